// SPDX-License-Identifier: BSD-2-Clause
// Reads the CPUs and how each is started (Devicetree Specification 0.4, 3.8; bindings arm/cpus.yaml and
// arm/psci.yaml).
#include "kernel/device_tree/reader.hpp"
#include "kernel/lib/text.hpp"

#include <algorithm>

namespace percival::device_tree {
namespace {

constexpr std::string_view kNoFunctionNumber = "is not a PSCI 0.1 function number";

std::optional<DeviceTreeNode> find_psci(const DeviceTreeView& tree)
{
    return tree.find_compatible("arm,psci-1.0", "arm,psci-0.2", "arm,psci");
}

bool is_cpu(const DeviceTreeView& tree, DeviceTreeNode node)
{
    const std::string_view name = tree.name(node);
    return slice(name, 0, name.find('@')) == "cpu" || tree.lists(node, "device_type", "cpu");
}

// Fills in how `cpu` is started. A CPU without a known way to start it is not fatal: it may be the running
// one, and the others work without it.
void read_start(const DeviceTreeView& tree, DeviceTreeNode node, CpuDescription& cpu,
                MachineDescription& machine)
{
    cpu.start = CpuStart::None;
    // Trees older than the binding have one enable-method for all CPUs, in the parent node.
    DeviceTreeNode holder = node;
    if (!tree.property(node, "enable-method"))
        holder = tree.parent(node).value_or(node);
    if (!tree.property(holder, "enable-method"))
        return;
    if (tree.lists(holder, "enable-method", "psci")) {
        cpu.start = CpuStart::Psci;
        return;
    }
    if (!tree.lists(holder, "enable-method", "spin-table"))
        return note(machine, tree.error(holder, "enable-method", "is neither psci nor spin-table"));

    const auto release = tree.property(node, "cpu-release-addr");
    if (!release)
        return note(machine, tree.error(node, "cpu-release-addr", "is missing: the CPU cannot be started"));
    const auto address = release->number();
    // The CPU polls this doubleword, which must be naturally aligned.
    if (!address || *address % sizeof(u64) != 0 || *address >= kPhysicalLimit.raw())
        return note(machine, tree.error(node, "cpu-release-addr", "is not the address of a doubleword"));
    cpu.start = CpuStart::SpinTable;
    cpu.release_address = PhysAddr{*address};
}

DeviceTreeResult<void> read_cpu(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t address_cells,
                                MachineDescription& machine)
{
    if (machine.cpus.size() == kMaxCpus) {
        ++machine.cpus_left_out;
        return {};
    }
    const auto reg = tree.required(node, "reg");
    if (!reg)
        return std::unexpected(reg.error());
    if (!reg->is_whole_cells() || reg->cells() != address_cells)
        return std::unexpected(
            tree.error(node, "reg", "does not have as many cells as #address-cells says", reg->size()));

    CpuDescription cpu;
    cpu.mpidr = reg->number(0, address_cells);
    if ((cpu.mpidr & ~kMpidrAffinity) != 0)
        return std::unexpected(tree.error(node, "reg", "is not an MPIDR", cpu.mpidr));
    if (std::ranges::any_of(machine.cpus.span(),
                            [&](const CpuDescription& other) { return other.mpidr == cpu.mpidr; }))
        return std::unexpected(tree.error(node, "reg", "another CPU has the same MPIDR", cpu.mpidr));
    read_start(tree, node, cpu, machine);
    const auto numa_node = numa_node_of(tree, node, machine);
    if (!numa_node)
        return std::unexpected(numa_node.error());
    cpu.numa_node = *numa_node;
    static_cast<void>(machine.cpus.push(cpu)); // has room: checked above
    return {};
}

} // namespace

DeviceTreeResult<void> read_cpus(const DeviceTreeView& tree, MachineDescription& machine)
{
    const auto cpus = tree.child(tree.root(), "cpus");
    if (!cpus)
        return std::unexpected(DeviceTreeError{"/cpus", "", "is missing"});
    const auto cells = cells_below(tree, *cpus);
    if (!cells)
        return std::unexpected(cells.error());
    for (auto node = tree.first_child(*cpus); node; node = tree.next_sibling(*node)) {
        if (!is_cpu(tree, *node) || !tree.is_enabled(*node))
            continue;
        if (auto result = read_cpu(tree, *node, cells->address, machine); !result)
            return result;
    }
    if (machine.cpus.empty())
        return std::unexpected(tree.error(*cpus, "", "there is no enabled CPU"));
    return {};
}

DeviceTreeResult<void> read_psci(const DeviceTreeView& tree, MachineDescription& machine)
{
    const auto psci = find_psci(tree);
    if (!psci)
        return {};
    const auto method = tree.required(*psci, "method");
    if (!method)
        return std::unexpected(method.error());
    PsciConduit conduit;
    if (method->text() == "hvc")
        conduit = PsciConduit::Hvc;
    else if (method->text() == "smc")
        conduit = PsciConduit::Smc;
    else
        return std::unexpected(tree.error(*psci, "method", "is neither hvc nor smc"));

    if (!tree.is_compatible(*psci, "arm,psci-1.0", "arm,psci-0.2")) {
        // PSCI 0.1 leaves the function numbers to the firmware.
        const auto cpu_on = tree.number_or(*psci, "cpu_on", 0);
        if (!cpu_on)
            return std::unexpected(cpu_on.error());
        if (*cpu_on > 0xffff'ffff)
            return std::unexpected(tree.error(*psci, "cpu_on", kNoFunctionNumber, *cpu_on));
        machine.psci_v01_cpu_on = static_cast<u32>(*cpu_on);
        // The kernel reads no function number but CPU_ON's, so without it PSCI cannot be used.
        if (*cpu_on == 0)
            conduit = PsciConduit::None;
    }
    machine.psci = conduit;
    return {};
}

DeviceTreeResult<void> check_psci(const DeviceTreeView& tree, const MachineDescription& machine)
{
    const auto is_started_by_psci = [](const CpuDescription& cpu) { return cpu.start == CpuStart::Psci; };
    const bool needed =
        machine.cpus.size() > 1 && std::ranges::any_of(machine.cpus.span(), is_started_by_psci);
    if (!needed || machine.psci != PsciConduit::None)
        return {};
    if (const auto psci = find_psci(tree))
        return std::unexpected(tree.error(*psci, "cpu_on", kNoFunctionNumber, 0));
    return std::unexpected(DeviceTreeError{"/psci", "", "is missing, but CPUs have enable-method \"psci\""});
}

} // namespace percival::device_tree
