// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/interrupt_controller_registers.hpp"

#include "mm/vmalloc/vmap.hpp"

namespace percival {
namespace {

using Result = std::expected<arch::InterruptControllerRegisters, std::string_view>;

// Maps `range` and stores the mapping in `registers`, or does nothing if the range is empty. Returns false on
// failure.
bool map(PhysRange range, arch::Mmio& registers)
{
    if (range.is_empty())
        return true;
    const auto mapped = mm::ioremap(range);
    if (!mapped)
        return false;
    registers = arch::Mmio{*mapped};
    return true;
}

Result map_v2(const InterruptControllerDescription& gic)
{
    arch::InterruptControllerRegisters registers;
    if (!map(gic.distributor, registers.distributor) || !map(gic.cpu_interface, registers.cpu_interface))
        return std::unexpected{"the GICv2's registers cannot be mapped"};
    return registers;
}

Result map_v3(const InterruptControllerDescription& gic)
{
    arch::InterruptControllerRegisters registers;
    if (!map(gic.distributor, registers.distributor))
        return std::unexpected{"the GICv3 distributor's registers cannot be mapped"};
    for (const PhysRange& range : gic.redistributors) {
        const auto mapped = mm::ioremap(range);
        if (!mapped || !registers.redistributors.push({arch::Mmio{*mapped}, range.size}))
            return std::unexpected{"a GICv3 redistributor region cannot be mapped"};
    }
    return registers;
}

Result map_bcm2836(const InterruptControllerDescription& controller)
{
    arch::InterruptControllerRegisters registers;
    if (!map(controller.local, registers.local) || !map(controller.peripherals, registers.peripherals))
        return std::unexpected{"the BCM2836's registers cannot be mapped"};
    return registers;
}

} // namespace

Result map_interrupt_controller_registers(const InterruptControllerDescription& controller)
{
    switch (controller.kind) {
    case InterruptControllerKind::GicV2:
        return map_v2(controller);
    case InterruptControllerKind::GicV3:
        return map_v3(controller);
    case InterruptControllerKind::Bcm2836:
        return map_bcm2836(controller);
    }
    return std::unexpected{"the kernel maps no registers of this kind of controller"};
}

} // namespace percival
