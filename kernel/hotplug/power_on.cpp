// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/hotplug/power_on.hpp"

#include "arch/debug/fault_recovery.hpp"
#include "arch/devices/power.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/device_tree/release_address.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/lib/print.hpp"
#include "mm/image/image.hpp"
#include "mm/vmalloc/vmap.hpp"

namespace percival {
namespace {

// Returns whether each CPU that polls `address` is marked as starting, or was once.
bool all_may_come(PhysAddr address)
{
    const auto& cpus = this_machine().cpus;
    for (u32 index = 0; index < cpus.size(); ++index) {
        const bool polls = cpus[index].start == CpuStart::SpinTable && cpus[index].release_address == address;
        if (polls && CpuId{index} != kBootCpu && has_never_started(CpuId{index}))
            return false;
    }
    return true;
}

struct FirmwareCall {
    CpuId cpu;
    PhysAddr entry;
    std::expected<void, std::string_view> result{};
};

// The call may be the first one of this firmware (PSCI 0.1), and its instruction undefined.
std::expected<void, std::string_view> start_by_firmware(CpuId cpu, PhysAddr entry)
{
    FirmwareCall call{cpu, entry};
    const auto make = [](void* argument) {
        auto& made = *static_cast<FirmwareCall*>(argument);
        made.result = arch::start_cpu(made.cpu, made.entry);
    };
    if (arch::catch_fault(make, &call))
        return std::unexpected{"the firmware call is undefined on this machine"};
    return call.result;
}

} // namespace

std::expected<void, std::string_view> power_on(CpuId cpu, PhysAddr entry)
{
    const auto release_address = arch::spin_table_release_address(cpu);
    if (!release_address)
        return start_by_firmware(cpu, entry);
    if (const auto problem =
            release_address_problem(this_machine(), mm::image_in_memory(), *release_address)) {
        print("cpu{}: its release address {} {}", cpu, *release_address, *problem);
        return std::unexpected{"spin table: the CPU's release address must not be written to"};
    }
    const auto mapped = mm::ioremap({*release_address, Bytes{sizeof(u64)}});
    if (!mapped)
        return std::unexpected{"spin table: the CPU's release address cannot be mapped"};
    PERCIVAL_ASSERT(all_may_come(*release_address)); // INV-bring_up-1
    arch::release_from_spin_table(arch::Mmio{*mapped}, entry);
    mm::iounmap(*mapped);
    return {};
}

} // namespace percival
