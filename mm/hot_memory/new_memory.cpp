// SPDX-License-Identifier: BSD-2-Clause
#include "mm/hot_memory/new_memory.hpp"

#include "mm/physical/page_zone.hpp"

#include <algorithm>

namespace percival::mm {
namespace {

bool has_registers_in(PhysRange range, const MachineDescription& machine)
{
    const auto is_inside = [range](PhysRange registers) { return registers.overlaps(range); };
    const InterruptControllerDescription& controller = machine.interrupt_controller;
    return is_inside(controller.distributor) || is_inside(controller.cpu_interface) ||
           is_inside(controller.local) || is_inside(controller.peripherals) ||
           std::ranges::any_of(controller.redistributors, is_inside) || is_inside(machine.uart.registers) ||
           std::ranges::any_of(machine.watchdogs,
                               [&](const auto& watchdog) { return is_inside(watchdog.registers); });
}

bool is_reserved(PhysRange range, const MachineDescription& machine)
{
    return std::ranges::any_of(machine.reserved,
                               [range](const auto& reserved) { return reserved.range.overlaps(range); }) ||
           std::ranges::any_of(machine.cpus, [range](const CpuDescription& cpu) {
               return cpu.start == CpuStart::SpinTable && range.contains(cpu.release_address);
           });
}

} // namespace

std::expected<void, HotMemoryError> check_new_memory(PhysRange range, PhysRange window,
                                                     const MachineDescription& machine)
{
    if (range.is_empty())
        return std::unexpected{HotMemoryError::Empty};
    if (!range.base.is_aligned(kHotMemoryUnit) || range.size != range.size.align_down(kHotMemoryUnit))
        return std::unexpected{HotMemoryError::Misaligned};
    if (range.size / KernelGeometry::kPageSize > PageZone::kMaxPages)
        return std::unexpected{HotMemoryError::TooLarge};
    if (!window.contains(range))
        return std::unexpected{HotMemoryError::OutOfReach};
    if (std::ranges::any_of(machine.memory, [range](const auto& bank) { return bank.range.overlaps(range); }))
        return std::unexpected{HotMemoryError::IsMemory};
    if (is_reserved(range, machine))
        return std::unexpected{HotMemoryError::IsReserved};
    if (has_registers_in(range, machine))
        return std::unexpected{HotMemoryError::IsDevice};
    return {};
}

} // namespace percival::mm
