// SPDX-License-Identifier: BSD-2-Clause
// Decides which UART is the console, and reads how its registers are accessed (bindings serial/8250.yaml,
// serial/serial.yaml and those of the kinds in kernel/uart/uart_table.hpp).
//
// The console is the UART that the boot argument `earlycon` or the stdout-path of /chosen names. Where
// nothing usable is named, it is the first enabled UART that no other device is wired to.
#include "kernel/boot_arguments/given_arguments.hpp"
#include "kernel/device_tree/reader.hpp"
#include "kernel/uart/earlycon.hpp"
#include "kernel/uart/uart_table.hpp"

#include <algorithm>

namespace percival::device_tree {
namespace {

// Returns the kind and layout of the first of the node's compatible strings that the kernel knows.
std::optional<UartDescription> kind_of(const DeviceTreeView& tree, DeviceTreeNode node)
{
    const auto compatible = tree.property(node, "compatible");
    return compatible ? uart_in_list(*compatible) : std::nullopt;
}

// Reads what the node says of the layout. A value that fits no byte is no possible one either.
DeviceTreeResult<UartLayout> read_layout(const DeviceTreeView& tree, DeviceTreeNode node,
                                         const UartDescription& uart)
{
    const auto shift = tree.number_or(node, "reg-shift", uart.layout.shift);
    if (!shift)
        return std::unexpected(shift.error());
    const auto bytes = tree.number_or(node, "reg-io-width", uart.layout.bytes);
    if (!bytes)
        return std::unexpected(bytes.error());
    UartLayout layout = uart.layout;
    if (tree.property(node, "big-endian"))
        layout.is_big_endian = true;
    if (tree.property(node, "little-endian"))
        layout.is_big_endian = false;
    layout.shift = static_cast<u8>(std::min<u64>(*shift, 0xff));
    if (!is_possible(uart.kind, {4, layout.shift}))
        return std::unexpected(tree.error(node, "reg-shift", "is too large", *shift));
    layout.bytes = static_cast<u8>(std::min<u64>(*bytes, 0xff));
    if (!is_possible(uart.kind, layout))
        return std::unexpected(
            tree.error(node, "reg-io-width", "is no width of this UART's registers", *bytes));
    return layout;
}

// Returns the console, or an error if its registers cannot be what the kind's are.
DeviceTreeResult<UartDescription> read_registers(const DeviceTreeView& tree, DeviceTreeNode node,
                                                 UartDescription uart)
{
    const auto layout = read_layout(tree, node, uart);
    if (!layout)
        return std::unexpected(layout.error());
    uart.layout = *layout;
    const auto registers = device_registers(tree, node, 0);
    if (!registers)
        return std::unexpected(registers.error());
    const auto offset = tree.number_or(node, "reg-offset", 0);
    if (!offset)
        return std::unexpected(offset.error());
    const u64 extent = uart_extent(uart.kind, uart.layout).count();
    const u64 size = registers->size.count();
    if (*offset > size || size - *offset < extent)
        return std::unexpected(tree.error(node, "reg", "is too small for this UART's registers", size));
    uart.registers = {registers->base + Bytes{*offset}, registers->size - Bytes{*offset}};
    if (!uart.registers.base.is_aligned(Bytes{uart.layout.bytes}))
        return std::unexpected(tree.error(node, "reg", "is not aligned as this UART's registers are",
                                          uart.registers.base.raw()));
    return uart;
}

// Returns whether a device such as a Bluetooth chip is wired to this UART (binding serial/serial.yaml).
bool has_device_behind(const DeviceTreeView& tree, DeviceTreeNode uart)
{
    for (auto child = tree.first_child(uart); child; child = tree.next_sibling(*child)) {
        if (tree.property(*child, "compatible"))
            return true;
    }
    return false;
}

struct Candidate {
    DeviceTreeNode node;
    UartDescription uart; // without its registers
};

// Returns the first enabled UART that the kernel drives and that no other device is wired to.
std::optional<Candidate> first_free_uart(const DeviceTreeView& tree)
{
    for (std::optional<DeviceTreeNode> node = tree.root(); node; node = tree.next(*node)) {
        const auto uart = kind_of(tree, *node);
        if (uart && !has_device_behind(tree, *node) && tree.is_enabled_with_parents(*node))
            return Candidate{*node, *uart};
    }
    return std::nullopt;
}

} // namespace

void read_uart(const DeviceTreeView& tree, MachineDescription& machine)
{
    // Whoever attaches the console reports a wrong argument.
    const auto value = last_given(machine.boot_arguments, kEarlyconKey);
    if (const auto by_hand = uart_by_hand(value.value_or(""))) {
        machine.uart = *by_hand;
        return;
    }
    auto named = console_node(tree, machine);
    if (named && !tree.is_enabled_with_parents(*named)) {
        note(machine, tree.error(*named, "", "is the stdout-path, but is disabled"));
        named.reset();
    }
    std::optional<Candidate> chosen;
    if (named) {
        const auto uart = kind_of(tree, *named);
        // Where the tree names a console that works, no other UART is taken for it: another device may be
        // wired to that one.
        if (!uart)
            return note(machine, tree.error(*named, "",
                                            "is the stdout-path, but not a UART that this kernel drives, "
                                            "so there is no console"));
        chosen = Candidate{*named, *uart};
        chosen->uart.source = UartSource::DeviceTree;
    } else {
        chosen = first_free_uart(tree);
    }
    if (!chosen)
        return;
    // The kernel also runs without a console, so this error is only noted.
    if (const auto uart = read_registers(tree, chosen->node, chosen->uart))
        machine.uart = *uart;
    else
        note(machine, uart.error());
}

} // namespace percival::device_tree
