// SPDX-License-Identifier: BSD-2-Clause
// The parts of read_device_tree(): one function per kind of thing, each filling its own fields of the
// description. For kernel/device_tree*.cpp only.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/device_tree/view.hpp"

namespace percival::device_tree {

// The physical address space of the architecture (Arm ARM D8.1.3, FEAT_LPA and FEAT_LPA2): 52 bits.
inline constexpr PhysAddr kPhysicalLimit{u64{1} << 52};

// device_tree_address.cpp: how `reg` is read and what a bus does to addresses.

struct AddressCells {
    std::size_t address{2};
    std::size_t size{1};
    constexpr std::size_t tuple() const { return address + size; }
};

// The cells of `reg` in the children of `parent`. Only one or two address cells and up to two size cells can
// be ordinary addresses; anything else is an error.
DeviceTreeResult<AddressCells> cells_below(const DeviceTreeView& tree, DeviceTreeNode parent);

// A property that is a list of (address, size), such as `reg`.
class AddressList {
public:
    static DeviceTreeResult<AddressList> read(const DeviceTreeView& tree, DeviceTreeNode node,
                                              AddressCells cells);

    std::size_t size() const { return property_.cells() / cells_.tuple(); }
    u64 address(std::size_t at) const { return property_.number(at * cells_.tuple(), cells_.address); }
    u64 length(std::size_t at) const
    {
        return property_.number(at * cells_.tuple() + cells_.address, cells_.size);
    }

private:
    AddressList(DeviceTreeProperty property, AddressCells cells) : property_{property}, cells_{cells} {}

    DeviceTreeProperty property_;
    AddressCells cells_;
};

// Entry `at` of a device's `reg` as the CPU sees it, through the `ranges` of every bus above. Never empty,
// and below kPhysicalLimit.
DeviceTreeResult<PhysRange> device_registers(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t at);

// The part of [base, base + size) below kPhysicalLimit; the sum may wrap.
PhysRange clip(u64 base, u64 size);

// device_tree_memory.cpp
DeviceTreeResult<void> read_memory(const DeviceTreeView& tree, MachineDescription& machine);
DeviceTreeResult<void> read_reservations(const DeviceTreeView& tree, MachineDescription& machine);

// device_tree_cpus.cpp. check_psci(), after the others: there is what the CPUs are started with.
DeviceTreeResult<void> read_cpus(const DeviceTreeView& tree, MachineDescription& machine);
DeviceTreeResult<void> read_psci(const DeviceTreeView& tree, MachineDescription& machine);
DeviceTreeResult<void> check_psci(const DeviceTreeView& tree, const MachineDescription& machine);

// device_tree_devices.cpp. The timer's interrupts are read by the rules of `gic`, which read_gic() found.
DeviceTreeResult<DeviceTreeNode> read_gic(const DeviceTreeView& tree, MachineDescription& machine);
DeviceTreeResult<void> read_timer(const DeviceTreeView& tree, DeviceTreeNode gic,
                                  MachineDescription& machine);
void read_uart(const DeviceTreeView& tree, MachineDescription& machine);

// device_tree_chosen.cpp
DeviceTreeResult<void> read_identity(const DeviceTreeView& tree, MachineDescription& machine);
DeviceTreeResult<void> read_chosen(const DeviceTreeView& tree, MachineDescription& machine);
// The node that /chosen names as console. One that does not exist is noted.
std::optional<DeviceTreeNode> console_node(const DeviceTreeView& tree, MachineDescription& machine);

// Remembers something wrong that the kernel can do without.
void note(MachineDescription& machine, const DeviceTreeError& error);

// A node's numa-node-id, 0 when it has none or one that is out of bounds (noted).
DeviceTreeResult<u32> numa_node_of(const DeviceTreeView& tree, DeviceTreeNode node,
                                   MachineDescription& machine);

} // namespace percival::device_tree
