// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/device_tree.hpp"

#include "kernel/device_tree/reader.hpp"
#include "kernel/device_tree/salvage.hpp"
#include "kernel/device_tree/tree_format.hpp"

namespace percival {
namespace {

// Resets field by field, because a boot stack cannot hold a second MachineDescription.
void reset(MachineDescription& machine)
{
    machine.model = "unknown";
    machine.compatible = {};
    machine.boot_arguments = {};
    machine.random_seed = 0;
    machine.memory.clear();
    machine.reserved.clear();
    machine.cpus.clear();
    machine.cpus_left_out = 0;
    machine.psci = PsciConduit::None;
    machine.psci_v01_cpu_on = 0;
    machine.interrupt_controller.distributor = {};
    machine.interrupt_controller.cpu_interface = {};
    machine.interrupt_controller.redistributors.clear();
    machine.interrupt_controller.redistributor_stride = 0;
    machine.interrupt_controller.local = {};
    machine.interrupt_controller.peripherals = {};
    machine.uart = {};
    machine.timer = {};
    machine.watchdogs.clear();
    machine.pci_hosts.clear();
    machine.notes.clear();
    machine.notes_left_out = 0;
}

constinit DeviceTreeIndex index_of_tree{};

DeviceTreeResult<void> read_all(std::span<const std::byte> blob, MachineDescription& machine,
                                const FirmwareFacts& facts)
{
    const auto tree = DeviceTreeView::open(blob, index_of_tree);
    if (!tree)
        return std::unexpected(tree.error());

    // The boot arguments, the UART, PSCI and the watchdogs come first: they are needed to report any later
    // error and to end the run.
    const auto arguments = device_tree::read_chosen(*tree, machine);
    machine.boot_arguments = facts.arguments_or(machine.boot_arguments);
    machine.random_seed ^= facts.random_seed;
    device_tree::read_uart(*tree, machine);
    device_tree::read_psci(*tree, machine);
    device_tree::read_watchdogs(*tree, machine);

    if (auto result = device_tree::read_identity(*tree, machine); !result)
        return result;
    if (!arguments)
        return arguments;
    if (auto result = device_tree::read_memory(*tree, machine, facts.memory); !result)
        return result;
    if (auto result = device_tree::read_reservations(*tree, machine); !result)
        return result;
    if (auto result = device_tree::read_cpus(*tree, machine); !result)
        return result;
    device_tree::give_up_starts_without_psci(*tree, machine);
    device_tree::read_pci_hosts(*tree, machine);
    const auto controller = device_tree::read_interrupt_controller(*tree, machine);
    if (!controller)
        return std::unexpected(controller.error());
    return device_tree::read_timer(*tree, *controller, machine);
}

} // namespace

std::expected<Bytes, DeviceTreeError> device_tree_size(std::span<const std::byte> header)
{
    using device_tree::kMagic, device_tree::kVersion;
    using enum device_tree::HeaderWord;

    const auto wrong = [](std::string_view field, std::string_view problem, u64 value) {
        return std::unexpected(DeviceTreeError{"header", field, problem, value});
    };
    if (header.size() < kDeviceTreeHeaderBytes)
        return wrong("", "is cut short", header.size());
    const DeviceTreeProperty words{header.first(kDeviceTreeHeaderBytes)};
    const auto word = [words](device_tree::HeaderWord at) { return words.number(at, 1); };

    if (word(Magic) != kMagic)
        return wrong("magic", "is not the magic number of a device tree", word(Magic));
    // Older versions are no longer in use, and for some of them libfdt 1.6's own checks dereference a null
    // pointer.
    if (word(Version) < kVersion || word(LastCompatible) > kVersion)
        return wrong("version", "is not compatible with 17", word(Version));
    if (word(TotalSize) < kDeviceTreeHeaderBytes)
        return wrong("totalsize", "is smaller than the header itself", word(TotalSize));
    if (word(TotalSize) > kDeviceTreeLimit.count())
        return wrong("totalsize", "is beyond the 2 MiB of the boot protocol", word(TotalSize));
    if (word(Structure) % 4 != 0)
        return wrong("off_dt_struct", "is not a multiple of 4", word(Structure));
    if (word(Reservations) % 8 != 0)
        return wrong("off_mem_rsvmap", "is not a multiple of 8", word(Reservations));
    // A size that is too small would hide the end of the tree also from those who look for its console.
    if (word(Structure) + word(StructureSize) > word(TotalSize))
        return wrong("size_dt_struct", "exceeds totalsize", word(StructureSize));
    if (word(Strings) + word(StringsSize) > word(TotalSize))
        return wrong("size_dt_strings", "exceeds totalsize", word(StringsSize));
    return Bytes{word(TotalSize)};
}

std::expected<void, DeviceTreeError> read_device_tree(std::span<const std::byte> blob,
                                                      MachineDescription& machine, const FirmwareFacts& facts)
{
    reset(machine);
    const auto read = read_all(blob, machine, facts);
    // What is wrong may also be why the console or PSCI was not found.
    if (!read) {
        salvage_device_tree(blob, machine);
        machine.boot_arguments = facts.arguments_or(machine.boot_arguments);
    }
    return read;
}

bool move_boot_cpu_first(MachineDescription& machine, u64 mpidr_el1)
{
    auto& cpus = machine.cpus;
    std::size_t at = place_of_cpu(machine, mpidr_el1);
    if (at == cpus.size())
        return false;
    const CpuDescription boot_cpu = cpus[at];
    for (; at > 0; --at)
        cpus[at] = cpus[at - 1];
    cpus[0] = boot_cpu;
    return true;
}

namespace device_tree {

void note(MachineDescription& machine, const DeviceTreeError& error)
{
    if (!machine.notes.push(error))
        ++machine.notes_left_out;
}

DeviceTreeResult<u32> numa_node_of(const DeviceTreeView& tree, DeviceTreeNode node,
                                   MachineDescription& machine)
{
    const auto number = tree.number_or(node, "numa-node-id", 0);
    if (!number)
        return std::unexpected(number.error());
    if (*number < kMaxNumaNodes)
        return static_cast<u32>(*number);
    note(machine, tree.error(node, "numa-node-id", "is too large, so node 0 is used instead", *number));
    return 0;
}

} // namespace device_tree
} // namespace percival
