// SPDX-License-Identifier: BSD-2-Clause
// Reads the CPUs and how each is started (Devicetree Specification 0.4, 3.8; bindings arm/cpus.yaml and
// arm/psci.yaml).
#include "kernel/device_tree/reader.hpp"
#include "kernel/device_tree/release_address.hpp"
#include "kernel/lib/text.hpp"

#include <algorithm>

namespace percival::device_tree {
namespace {

std::optional<DeviceTreeNode> find_psci(const DeviceTreeView& tree)
{
    return tree.find_compatible("arm,psci-1.0", "arm,psci-0.2", "arm,psci");
}

std::optional<DeviceTreeNode> find_psci_of_any_status(const DeviceTreeView& tree)
{
    std::optional<DeviceTreeNode> node = tree.root();
    while (node && !tree.is_compatible(*node, "arm,psci-1.0", "arm,psci-0.2", "arm,psci"))
        node = tree.next(*node);
    return node;
}

DeviceTreeResult<PsciConduit> read_conduit(const DeviceTreeView& tree, DeviceTreeNode psci)
{
    const auto method = tree.required(psci, "method");
    if (!method)
        return std::unexpected(method.error());
    if (method->text() == "hvc")
        return PsciConduit::Hvc;
    if (method->text() == "smc")
        return PsciConduit::Smc;
    return std::unexpected(tree.error(psci, "method", "is neither hvc nor smc"));
}

// Returns the function number of CPU_ON, which PSCI 0.1 leaves to the firmware. The kernel calls no other
// function of that version (arch/arm64/devices/psci.hpp).
DeviceTreeResult<u32> read_v01_cpu_on(const DeviceTreeView& tree, DeviceTreeNode psci)
{
    const auto number = tree.number_or(psci, "cpu_on", 0);
    if (!number)
        return std::unexpected(number.error());
    if (*number == 0 || *number > 0xffff'ffff)
        return std::unexpected(tree.error(psci, "cpu_on", "is not a PSCI 0.1 function number", *number));
    return static_cast<u32>(*number);
}

bool is_cpu(const DeviceTreeView& tree, DeviceTreeNode node)
{
    const std::string_view name = tree.name(node);
    return slice(name, 0, name.find('@')) == "cpu" || tree.lists(node, "device_type", "cpu");
}

// The parking protocol of ACPI has no binding: only boot/flat_tree writes such nodes.
void read_parking(const DeviceTreeView& tree, DeviceTreeNode node, PhysAddr mailbox, CpuDescription& cpu,
                  MachineDescription& machine)
{
    if (!mailbox.is_aligned(kParkingMailbox))
        return note(machine, tree.error(node, "cpu-release-addr", "is not that of a mailbox", mailbox.raw()));
    const auto id = tree.number_or(node, "acpi-parking-id", 0);
    if (!id || *id > 0xffff'ffff)
        return note(machine, tree.error(node, "acpi-parking-id", "is not a number of one cell"));
    cpu.start = CpuStart::Parking;
    cpu.release_address = mailbox;
    cpu.parking_id = static_cast<u32>(*id);
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
    const bool is_parked = tree.lists(holder, "enable-method", "acpi-parking-protocol");
    if (!is_parked && !tree.lists(holder, "enable-method", "spin-table"))
        return note(machine, tree.error(holder, "enable-method", "is not known to this kernel"));

    const auto release = tree.property(node, "cpu-release-addr");
    if (!release)
        return note(machine, tree.error(node, "cpu-release-addr", "is missing: the CPU cannot be started"));
    const auto address = release->number();
    if (!address)
        return note(machine, tree.error(node, "cpu-release-addr", "is not a number of one or two cells"));
    // Where the image lies is not the reader's to know: whoever releases the CPU asks again.
    constexpr PhysRange kNoImage{};
    if (const auto problem = release_address_problem(machine, kNoImage, PhysAddr{*address}))
        return note(machine, tree.error(node, "cpu-release-addr", *problem, address));
    if (is_parked)
        return read_parking(tree, node, PhysAddr{*address}, cpu, machine);
    cpu.start = CpuStart::SpinTable;
    cpu.release_address = PhysAddr{*address};
}

// Returns the affinity of the CPU at `node`, by which it is known.
DeviceTreeResult<u64> read_mpidr(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t address_cells,
                                 const MachineDescription& machine)
{
    const auto reg = tree.required(node, "reg");
    if (!reg)
        return std::unexpected(reg.error());
    if (!reg->is_whole_cells() || reg->cells() != address_cells)
        return std::unexpected(
            tree.error(node, "reg", "does not have as many cells as #address-cells says", reg->size()));
    const u64 mpidr = reg->number(0, address_cells);
    if ((mpidr & ~kMpidrAffinity) != 0)
        return std::unexpected(tree.error(node, "reg", "is not an MPIDR", mpidr));
    if (std::ranges::any_of(machine.cpus.span(),
                            [mpidr](const CpuDescription& other) { return other.mpidr == mpidr; }))
        return std::unexpected(tree.error(node, "reg", "another CPU has the same MPIDR", mpidr));
    return mpidr;
}

DeviceTreeResult<void> read_cpu(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t address_cells,
                                MachineDescription& machine)
{
    if (machine.cpus.size() == kMaxCpus) {
        ++machine.cpus_left_out;
        return {};
    }
    // The machine runs without a CPU that cannot be told from others.
    const auto mpidr = read_mpidr(tree, node, address_cells, machine);
    if (!mpidr) {
        note(machine, mpidr.error());
        return {};
    }
    CpuDescription cpu;
    cpu.mpidr = *mpidr;
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

void read_psci(const DeviceTreeView& tree, MachineDescription& machine)
{
    const auto psci = find_psci(tree);
    if (!psci)
        return;
    const auto conduit = read_conduit(tree, *psci);
    if (!conduit)
        return note(machine, conduit.error());
    if (!tree.is_compatible(*psci, "arm,psci-1.0", "arm,psci-0.2")) {
        const auto cpu_on = read_v01_cpu_on(tree, *psci);
        if (!cpu_on)
            return note(machine, cpu_on.error());
        machine.psci_v01_cpu_on = *cpu_on;
    }
    machine.psci = *conduit;
}

void give_up_starts_without_psci(const DeviceTreeView& tree, MachineDescription& machine)
{
    if (machine.psci != PsciConduit::None)
        return;
    bool needed = false;
    for (CpuDescription& cpu : machine.cpus) {
        if (cpu.start != CpuStart::Psci)
            continue;
        cpu.start = CpuStart::None;
        needed = machine.cpus.size() > 1;
    }
    if (!needed || find_psci(tree)) // read_psci() has noted what is wrong with the node
        return;
    if (const auto disabled = find_psci_of_any_status(tree))
        note(machine,
             tree.error(*disabled, "", "is disabled, so CPUs with enable-method \"psci\" cannot be started"));
    else
        note(machine, {"/psci", "", "is missing, so CPUs with enable-method \"psci\" cannot be started"});
}

} // namespace percival::device_tree
