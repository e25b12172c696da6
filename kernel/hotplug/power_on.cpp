// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/hotplug/power_on.hpp"

#include "arch/debug/fault_recovery.hpp"
#include "arch/devices/interrupt_controller.hpp"
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

// Where the firmware lets a CPU wait for its entry address, and what an error is called.
struct WaitingPlace {
    PhysRange memory;
    std::string_view must_not_be_written;
    std::string_view cannot_be_mapped;
};

// Maps the memory as a device's, and returns what release(Mmio) returns.
template <class Release>
std::expected<void, std::string_view> release_at(CpuId cpu, const WaitingPlace& place, Release release)
{
    const PhysAddr address = place.memory.base;
    if (const auto problem = release_address_problem(this_machine(), mm::image_in_memory(), address)) {
        print("cpu{}: its release address {} {}", cpu, address, *problem);
        return std::unexpected{place.must_not_be_written};
    }
    const auto mapped = mm::ioremap(place.memory);
    if (!mapped)
        return std::unexpected{place.cannot_be_mapped};
    const std::expected<void, std::string_view> released = release(arch::Mmio{*mapped});
    mm::iounmap(*mapped);
    return released;
}

std::expected<void, std::string_view> release_from_spin_table(CpuId cpu, PhysAddr address, PhysAddr entry)
{
    return release_at(cpu,
                      {{address, Bytes{sizeof(u64)}},
                       "spin table: the CPU's release address must not be written to",
                       "spin table: the CPU's release address cannot be mapped"},
                      [&](arch::Mmio mapped) {
                          PERCIVAL_ASSERT(all_may_come(address)); // INV-bring_up-1
                          arch::release_from_spin_table(mapped, entry);
                          return std::expected<void, std::string_view>{};
                      });
}

std::expected<void, std::string_view> release_from_mailbox(CpuId cpu, PhysAddr mailbox, PhysAddr entry)
{
    return release_at(cpu,
                      {{mailbox, kParkingMailbox},
                       "parking protocol: the CPU's mailbox must not be written to",
                       "parking protocol: the CPU's mailbox cannot be mapped"},
                      [&](arch::Mmio mapped) {
                          const CpuDescription& described = this_machine().cpus[cpu.index()];
                          const auto written = arch::write_to_mailbox(cpu, mapped, entry);
                          if (written)
                              arch::wake_parked_cpu(described.mpidr, described.parking_id);
                          return written;
                      });
}

} // namespace

std::expected<void, std::string_view> power_on(CpuId cpu, PhysAddr entry)
{
    if (const auto release_address = arch::spin_table_release_address(cpu))
        return release_from_spin_table(cpu, *release_address, entry);
    if (const auto mailbox = arch::firmware_mailbox(cpu))
        return release_from_mailbox(cpu, *mailbox, entry);
    return start_by_firmware(cpu, entry);
}

} // namespace percival
