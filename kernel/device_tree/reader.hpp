// SPDX-License-Identifier: BSD-2-Clause
// The parts of read_device_tree(): one function per kind of data, each of which fills its own fields of the
// description. Only for the files of kernel/device_tree.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/device_tree/view.hpp"

namespace percival::device_tree {

// Defined in address.cpp: how `reg` is read and how a bus translates addresses.

struct AddressCells {
    std::size_t address{2};
    std::size_t size{1};
    constexpr std::size_t tuple() const { return address + size; }
};

// Returns the cells that `parent` defines for the `reg` of its children, with those of `otherwise` where it
// defines none. An ordinary address has one or two address cells and at most two size cells; anything else is
// an error.
DeviceTreeResult<AddressCells> cells_below(const DeviceTreeView& tree, DeviceTreeNode parent,
                                           AddressCells otherwise = {});

// A property that is a list of (address, size) pairs, such as `reg`.
class AddressList {
public:
    static DeviceTreeResult<AddressList> read(const DeviceTreeView& tree, DeviceTreeNode node,
                                              DeviceTreePropertyName property, AddressCells cells);

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

// Translates a range of addresses on `bus` through the `ranges` of `bus` and of every bus above. Returns
// where it begins; its end may lie beyond kPhysicalLimit.
DeviceTreeResult<u64> as_the_cpu_sees_it(const DeviceTreeView& tree, DeviceTreeNode bus, u64 base, u64 size);

// Returns entry `at` of a device's `reg` as the CPU sees it, translated through the `ranges` of every bus
// above. The range is never empty and lies below kPhysicalLimit.
DeviceTreeResult<PhysRange> device_registers(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t at);

// Returns the part of [base, base + size) below kPhysicalLimit; the sum may wrap.
PhysRange clip(u64 base, u64 size);

// Defined in memory.cpp. `by_firmware`, unless it is empty, is all memory there is: ranges in order that do
// not touch. The tree then says only on which NUMA node it is.
DeviceTreeResult<void> read_memory(const DeviceTreeView& tree, MachineDescription& machine,
                                   std::span<const PhysRange> by_firmware);
DeviceTreeResult<void> read_reservations(const DeviceTreeView& tree, MachineDescription& machine);

// Defined in cpus.cpp. The kernel runs on one CPU without PSCI, so what is wrong with it is noted.
// give_up_starts_without_psci() runs after the other two.
DeviceTreeResult<void> read_cpus(const DeviceTreeView& tree, MachineDescription& machine);
void read_psci(const DeviceTreeView& tree, MachineDescription& machine);
void give_up_starts_without_psci(const DeviceTreeView& tree, MachineDescription& machine);

// Defined in interrupts.cpp. Returns the number of interrupt `place` of `node`, which must be a private one
// of `controller`, as arch/devices/interrupt_controller.hpp counts. Reads `interrupts`, or
// `interrupts-extended` where the node has that.
DeviceTreeResult<u32> private_interrupt(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t place,
                                        DeviceTreeNode controller, InterruptControllerKind kind);
// Returns whether the list of `node` is long enough for an interrupt `place`, as far as that is cheap to say.
// The error of private_interrupt() is not: it names the node by its path.
bool may_have_interrupt(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t place,
                        DeviceTreeNode controller);

// Defined in interrupt_controller.cpp. Returns the node that it was read from.
DeviceTreeResult<DeviceTreeNode> read_interrupt_controller(const DeviceTreeView& tree,
                                                           MachineDescription& machine);

// Defined in timer.cpp. Reads the timer's interrupts by the rules of `controller`, the node that
// read_interrupt_controller() returned.
DeviceTreeResult<void> read_timer(const DeviceTreeView& tree, DeviceTreeNode controller,
                                  MachineDescription& machine);

// Defined in console.cpp. read_uart() looks into the boot arguments, so it runs after read_chosen().
void read_uart(const DeviceTreeView& tree, MachineDescription& machine);

// Defined in watchdogs.cpp. What is wrong with a watchdog is noted, and the watchdog left out.
void read_watchdogs(const DeviceTreeView& tree, MachineDescription& machine);
// Defined in pci.cpp. A host that the kernel cannot use is left out, and noted.
void read_pci_hosts(const DeviceTreeView& tree, MachineDescription& machine);

// Defined in salvage.cpp. Returns the kind and layout of the first of the strings that names a UART that the
// kernel drives. Any bytes will do.
std::optional<UartDescription> uart_in_list(const DeviceTreeProperty& compatible);
// Defined in salvage.cpp. Returns the UART that the boot argument `earlycon` names. Whoever attaches the
// console reports a wrong argument.
std::optional<UartDescription> uart_of_arguments(std::string_view arguments);

// Defined in chosen.cpp.
DeviceTreeResult<void> read_identity(const DeviceTreeView& tree, MachineDescription& machine);
DeviceTreeResult<void> read_chosen(const DeviceTreeView& tree, MachineDescription& machine);
// Returns the node that /chosen names as the console. Notes a name that no node has.
std::optional<DeviceTreeNode> console_node(const DeviceTreeView& tree, MachineDescription& machine);

// Adds an error that the kernel tolerates to the notes.
void note(MachineDescription& machine, const DeviceTreeError& error);

// Returns the node's numa-node-id. Returns 0 when it has none, and notes one that is out of bounds.
DeviceTreeResult<u32> numa_node_of(const DeviceTreeView& tree, DeviceTreeNode node,
                                   MachineDescription& machine);

} // namespace percival::device_tree
