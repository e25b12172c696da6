// SPDX-License-Identifier: BSD-2-Clause
// Reads the memory banks and the reservations in them (Devicetree Specification 0.4, 3.4, 3.5 and 5.3).
#include "kernel/device_tree/reader.hpp"

#include <algorithm>

namespace percival::device_tree {
namespace {

using Banks = decltype(MachineDescription::memory);

// In /chosen, after kexec of a crash kernel (dt-schema, chosen.yaml).
constexpr DeviceTreePropertyName kUsableRanges = "linux,usable-memory-range";

// Sorts the banks and makes them disjoint. Adjacent or overlapping banks on one NUMA node become one bank.
// Where banks of two nodes overlap, the lower bank keeps the overlap. Returns whether two nodes overlapped.
bool tidy(Banks& banks)
{
    for (std::size_t i = 1; i < banks.size(); ++i) {
        for (std::size_t at = i; at > 0 && banks[at].range.base < banks[at - 1].range.base; --at)
            std::swap(banks[at], banks[at - 1]);
    }
    bool disputed = false;
    std::size_t kept = 0;
    for (MemoryBank bank : banks) {
        if (kept != 0) {
            MemoryBank& last = banks[kept - 1];
            const PhysAddr last_end = last.range.end();
            const PhysAddr end = std::max(bank.range.end(), last_end);
            if (bank.range.base <= last_end && bank.numa_node == last.numa_node) {
                last.range.size = end - last.range.base;
                continue;
            }
            if (bank.range.base < last_end) {
                disputed = true;
                bank.range = {last_end, end - last_end};
                if (bank.range.is_empty())
                    continue;
            }
        }
        banks[kept++] = bank;
    }
    banks.truncate(kept);
    return disputed;
}

// Adds a bank; returns false if there is no room.
bool add_bank(Banks& banks, const MemoryBank& bank)
{
    if (banks.push(bank))
        return true;
    tidy(banks);
    return banks.push(bank);
}

DeviceTreeResult<void> read_bank_node(const DeviceTreeView& tree, DeviceTreeNode node, AddressCells cells,
                                      MachineDescription& machine)
{
    // A crash kernel's loader says by this property which part of the node's memory is not to be saved.
    constexpr DeviceTreePropertyName kUsable = "linux,usable-memory";
    const DeviceTreePropertyName property = tree.property(node, kUsable) ? kUsable : "reg";
    const auto reg = AddressList::read(tree, node, property, cells);
    if (!reg)
        return std::unexpected(reg.error());
    const auto numa_node = numa_node_of(tree, node, machine);
    if (!numa_node)
        return std::unexpected(numa_node.error());

    for (std::size_t at = 0; at < reg->size(); ++at) {
        const PhysRange range = clip(reg->address(at), reg->length(at));
        if (range.size != Bytes{reg->length(at)})
            note(machine,
                 tree.error(node, property, "memory beyond the 52-bit physical address space is not used",
                            reg->address(at)));
        if (range.is_empty())
            continue;
        if (!add_bank(machine.memory, {range, *numa_node}))
            note(machine,
                 tree.error(node, property, "is not used: there are too many banks", range.base.raw()));
    }
    return {};
}

// Keeps only the memory that is in one of `usable`, and at least one range of `usable` is not empty.
void keep_usable(const DeviceTreeView& tree, DeviceTreeNode chosen, const AddressList& usable,
                 MachineDescription& machine)
{
    Banks kept;
    for (const MemoryBank& bank : machine.memory) {
        for (std::size_t at = 0; at < usable.size(); ++at) {
            const PhysRange range = clip(usable.address(at), usable.length(at));
            const PhysAddr base = std::max(bank.range.base, range.base);
            const PhysAddr end = std::min(bank.range.end(), range.end());
            if (base < end && !add_bank(kept, {{base, end - base}, bank.numa_node}))
                note(machine,
                     tree.error(chosen, kUsableRanges, "is not used: there are too many banks", base.raw()));
        }
    }
    tidy(kept);
    machine.memory = kept;
}

// Keeps only the memory that /chosen leaves to this kernel. The rest is the memory of a kernel that crashed,
// and is to be saved. A list without a range that is not empty restricts nothing, as with Linux.
DeviceTreeResult<void> apply_usable_ranges(const DeviceTreeView& tree, AddressCells cells,
                                           MachineDescription& machine)
{
    const auto chosen = tree.child(tree.root(), "chosen");
    if (!chosen || !tree.property(*chosen, kUsableRanges))
        return {};
    const auto usable = AddressList::read(tree, *chosen, kUsableRanges, cells);
    if (!usable)
        return std::unexpected(usable.error());
    bool restricts = false;
    for (std::size_t at = 0; at < usable->size(); ++at)
        restricts = restricts || usable->length(at) != 0;
    if (!restricts)
        return {};
    keep_usable(tree, *chosen, *usable, machine);
    if (machine.memory.empty())
        return std::unexpected(tree.error(*chosen, kUsableRanges, "contains no memory of this machine"));
    return {};
}

// Replaces the tree's banks by the ranges of the firmware, which get the NUMA nodes of those banks that they
// are in, and else node 0.
void take_firmware_memory(const DeviceTreeView& tree, std::span<const PhysRange> ranges,
                          MachineDescription& machine)
{
    const Banks of_tree = machine.memory;
    machine.memory.clear();
    const auto add = [&](PhysAddr base, PhysAddr end, u32 node) {
        if (base < end && !add_bank(machine.memory, {{base, end - base}, node}))
            note(machine, tree.error(tree.root(), "", "memory of the firmware is not used: too many banks",
                                     base.raw()));
    };
    for (const PhysRange range : ranges) {
        PhysAddr at = range.base;
        for (const MemoryBank& bank : of_tree) {
            const PhysAddr base = std::clamp(bank.range.base, at, range.end());
            const PhysAddr end = std::clamp(bank.range.end(), at, range.end());
            add(at, base, 0);
            add(base, end, bank.numa_node);
            at = std::max(base, end);
        }
        add(at, range.end(), 0);
    }
    tidy(machine.memory);
}

DeviceTreeResult<void> reserve(const DeviceTreeView& tree, DeviceTreeNode node, u64 base, u64 size,
                               bool no_map, MachineDescription& machine)
{
    const Reservation reservation{clip(base, size), no_map};
    // The kernel would use reserved memory that it does not know of, so running out of room is fatal.
    if (!reservation.range.is_empty() && !machine.reserved.push(reservation))
        return std::unexpected(tree.error(node, "", "there are more reservations than", kMaxReservations));
    return {};
}

} // namespace

DeviceTreeResult<void> read_memory(const DeviceTreeView& tree, MachineDescription& machine,
                                   std::span<const PhysRange> by_firmware)
{
    const auto cells = cells_below(tree, tree.root());
    if (!cells)
        return std::unexpected(cells.error());
    for (auto node = tree.first_child(tree.root()); node; node = tree.next_sibling(*node)) {
        // Disabled memory nodes exist: QEMU describes the secure world's memory by one.
        if (!tree.lists(*node, "device_type", "memory") || !tree.is_enabled(*node))
            continue;
        if (auto result = read_bank_node(tree, *node, *cells, machine); !result)
            return result;
    }
    if (tidy(machine.memory))
        note(machine, tree.error(tree.root(), "", "two NUMA nodes claim the same memory"));
    if (!by_firmware.empty())
        take_firmware_memory(tree, by_firmware, machine);
    if (machine.memory.empty())
        return std::unexpected(tree.error(tree.root(), "",
                                          "there is no memory: no enabled node has "
                                          "device_type \"memory\" and a reg that is not empty"));
    return apply_usable_ranges(tree, *cells, machine);
}

DeviceTreeResult<void> read_reservations(const DeviceTreeView& tree, MachineDescription& machine)
{
    const std::size_t in_block = tree.block_reservations();
    for (std::size_t at = 0; at < in_block; ++at) {
        const auto [base, size] = tree.block_reservation(at);
        if (auto result = reserve(tree, tree.root(), base, size, false, machine); !result)
            return result;
    }

    const auto reserved = tree.child(tree.root(), "reserved-memory");
    if (!reserved)
        return {};
    // Some firmware leaves the cells out. The binding wants those of the root.
    const auto root_cells = cells_below(tree, tree.root());
    if (!root_cells)
        return std::unexpected(root_cells.error());
    const auto cells = cells_below(tree, *reserved, *root_cells);
    if (!cells)
        return std::unexpected(cells.error());
    for (auto node = tree.first_child(*reserved); node; node = tree.next_sibling(*node)) {
        // A node without `reg` asks for memory at any address, for a driver that this kernel does not have.
        if (!tree.is_enabled(*node) || !tree.property(*node, "reg"))
            continue;
        const auto reg = AddressList::read(tree, *node, "reg", *cells);
        if (!reg)
            return std::unexpected(reg.error());
        const bool no_map = tree.property(*node, "no-map").has_value();
        for (std::size_t at = 0; at < reg->size(); ++at) {
            if (auto result = reserve(tree, *node, reg->address(at), reg->length(at), no_map, machine);
                !result)
                return result;
        }
    }
    return {};
}

} // namespace percival::device_tree
