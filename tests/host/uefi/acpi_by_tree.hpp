// SPDX-License-Identifier: BSD-2-Clause
// The tree that is made of ACPI tables, read again by the kernel's own reader. Tests and the fuzzer share
// this.
#pragma once

#include "boot/flat_tree/machine_tree.hpp"
#include "tests/host/support/device_tree_blob.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace percival::testing {

// The description that the kernel gets: of a tree made of the tables, on a machine with this memory.
inline std::unique_ptr<Reading> through_a_tree(const MachineDescription& machine,
                                               std::span<const PhysRange> memory)
{
    std::vector<std::byte> room(1 << 18);
    const auto size = boot::write_machine_tree(machine, room);
    return std::make_unique<Reading>(std::span{room}.first(size.value_or(0)),
                                     FirmwareFacts{.memory = memory});
}

// The memory of a machine whose tables do not describe it.
inline constexpr PhysRange kMemoryOfTree{PhysAddr{0x4000'0000}, Bytes{0x2000'0000}};

// Returns the first thing in which two descriptions differ, of those that ACPI tables have; empty if in none.
inline std::string difference(const MachineDescription& one, const MachineDescription& other)
{
    if (one.cpus.size() != other.cpus.size())
        return "the number of CPUs";
    for (std::size_t at = 0; at < one.cpus.size(); ++at) {
        const CpuDescription &a = one.cpus[at], &b = other.cpus[at];
        if (a.mpidr != b.mpidr || a.numa_node != b.numa_node)
            return "MPIDR or node of CPU " + std::to_string(at);
        if (a.start != b.start || a.release_address != b.release_address || a.parking_id != b.parking_id)
            return "the start of CPU " + std::to_string(at);
    }
    const auto same_reservation = [](const Reservation& a, const Reservation& b) {
        return a.range == b.range && a.no_map == b.no_map;
    };
    if (!std::ranges::equal(one.reserved, other.reserved, same_reservation))
        return "the reservations";
    if (one.psci != other.psci || one.psci_v01_cpu_on != other.psci_v01_cpu_on)
        return "PSCI";
    const auto &gic = one.interrupt_controller, &other_gic = other.interrupt_controller;
    if (gic.kind != other_gic.kind || gic.distributor.base != other_gic.distributor.base ||
        gic.cpu_interface.base != other_gic.cpu_interface.base)
        return "the interrupt controller";
    if (!std::ranges::equal(gic.redistributors, other_gic.redistributors) ||
        gic.redistributor_stride != other_gic.redistributor_stride)
        return "the redistributors";
    if (one.timer.virtual_interrupt != other.timer.virtual_interrupt ||
        one.timer.hypervisor_physical_interrupt != other.timer.hypervisor_physical_interrupt ||
        one.timer.hypervisor_virtual_interrupt != other.timer.hypervisor_virtual_interrupt ||
        one.timer.frequency_override != other.timer.frequency_override ||
        one.timer.counter_erratum != other.timer.counter_erratum)
        return "the timer";
    if (one.uart.kind != other.uart.kind || one.uart.layout != other.uart.layout ||
        one.uart.registers != other.uart.registers || one.uart.source != other.uart.source)
        return "the console";
    return "";
}

// Returns what is wrong with the tree that is made of a description, or in what it differs; empty if nothing.
inline std::string wrong_by_a_tree(const MachineDescription& machine)
{
    const auto tree = through_a_tree(machine, {&kMemoryOfTree, 1});
    const std::string wrong = tree->violation + tree->sentence + tree->all_notes();
    return wrong.empty() ? difference(machine, *tree->machine) : wrong;
}

} // namespace percival::testing
