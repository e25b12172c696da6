// SPDX-License-Identifier: BSD-2-Clause
#include "support/machine_invariants.hpp"

#include "kernel/device_tree/release_address.hpp"

#include <functional>
#include <set>

namespace percival::testing {
namespace {

constexpr u64 kPhysicalLimit = u64{1} << 52;

bool is_physical(PhysRange range)
{
    return !range.is_empty() && range.base.raw() < kPhysicalLimit &&
           range.size.count() <= kPhysicalLimit - range.base.raw();
}

// Returns true if `text` lies inside the blob or entirely outside of it, as a literal does.
bool is_sane(std::string_view text, std::span<const std::byte> blob)
{
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    const auto* end = begin + text.size();
    const std::less<const std::byte*> before;
    const std::byte* blob_end = blob.data() + blob.size();
    const bool apart = !before(begin, blob_end) || !before(blob.data(), end);
    return text.empty() || apart || (!before(begin, blob.data()) && !before(blob_end, end));
}

std::string broken_memory(const MachineDescription& machine)
{
    if (machine.memory.empty())
        return "there is no memory";
    u64 free_from = 0;
    for (const MemoryBank& bank : machine.memory) {
        if (!is_physical(bank.range))
            return "a bank is empty or beyond the physical address space";
        if (bank.range.base.raw() < free_from)
            return "banks overlap or are not sorted";
        free_from = bank.range.end().raw();
        if (bank.numa_node >= kMaxNumaNodes)
            return "a bank's numa node is out of bounds";
    }
    for (const Reservation& reservation : machine.reserved) {
        if (!is_physical(reservation.range))
            return "a reservation is empty or beyond the physical address space";
    }
    return {};
}

std::string broken_cpus(const MachineDescription& machine)
{
    if (machine.cpus.empty())
        return "there is no CPU";
    if (machine.cpus_left_out != 0 && machine.cpus.size() != kMaxCpus)
        return "a CPU was left out though there was room";
    std::set<u64> seen;
    for (const CpuDescription& cpu : machine.cpus) {
        if (!seen.insert(cpu.mpidr).second)
            return "two CPUs have the same MPIDR";
        if ((cpu.mpidr & ~u64{0xff'00ff'ffff}) != 0)
            return "an MPIDR has bits outside the affinity fields";
        if (cpu.numa_node >= kMaxNumaNodes)
            return "a CPU's numa node is out of bounds";
        if (cpu.start == CpuStart::Psci && machine.psci == PsciConduit::None)
            return "a CPU needs PSCI and there is none";
        if (cpu.start == CpuStart::SpinTable &&
            release_address_problem(machine, PhysRange{}, cpu.release_address))
            return "a release address must not be written to";
    }
    return {};
}

std::string broken_devices(const MachineDescription& machine)
{
    const InterruptControllerDescription& controller = machine.interrupt_controller;
    const bool is_bcm2836 = controller.kind == InterruptControllerKind::Bcm2836;
    if (!is_physical(is_bcm2836 ? controller.local : controller.distributor))
        return "the controller's first registers are empty or beyond the physical address space";
    if (controller.kind == InterruptControllerKind::GicV2 && !is_physical(controller.cpu_interface))
        return "the CPU interface is empty or beyond the physical address space";
    if (controller.kind == InterruptControllerKind::GicV3 && controller.redistributors.empty())
        return "there is no redistributor";
    for (const PhysRange& region : controller.redistributors) {
        if (!is_physical(region))
            return "a redistributor region is empty or beyond the physical address space";
    }
    if (!controller.peripherals.is_empty() && !is_physical(controller.peripherals))
        return "the controller of peripheral interrupts is beyond the physical address space";
    if (machine.uart.kind != UartKind::None && !is_physical(machine.uart.registers))
        return "the console is empty or beyond the physical address space";
    for (const PciHostDescription& host : machine.pci_hosts) {
        if (!is_physical(host.configuration) || host.first_bus > host.last_bus)
            return "a PCI host has no configuration space";
        for (const PciWindow& window : {host.low, host.high}) {
            if (!window.range.is_empty() && !is_physical(window.range))
                return "a window of a PCI host is beyond the physical address space";
        }
    }
    for (const WatchdogDescription& watchdog : machine.watchdogs) {
        if (!is_physical(watchdog.registers))
            return "a watchdog is empty or beyond the physical address space";
    }
    if (machine.timer.virtual_interrupt < 16 || machine.timer.virtual_interrupt > (is_bcm2836 ? 19 : 31))
        return "the timer's interrupt is not a private one";
    return {};
}

} // namespace

std::string violated_invariant(const MachineDescription& machine, std::span<const std::byte> blob)
{
    if (std::string broken = broken_memory(machine); !broken.empty())
        return broken;
    if (std::string broken = broken_cpus(machine); !broken.empty())
        return broken;
    if (std::string broken = broken_devices(machine); !broken.empty())
        return broken;
    if (!is_sane(machine.model, blob) || !is_sane(machine.compatible, blob) ||
        !is_sane(machine.boot_arguments, blob))
        return "a text extends beyond the blob";
    return {};
}

} // namespace percival::testing
