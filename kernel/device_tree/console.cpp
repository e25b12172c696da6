// SPDX-License-Identifier: BSD-2-Clause
// Decides which UART is the console, and reads how its registers are accessed (bindings serial/8250.yaml,
// serial/serial.yaml and those of the kinds in kernel/uart/uart_table.hpp).
//
// The console is the UART that the boot argument `earlycon` or the stdout-path of /chosen names. Where
// nothing usable is named, it is the first enabled UART that no other device is wired to.
#include "kernel/device_tree/reader.hpp"
#include "kernel/uart/uart_table.hpp"

namespace percival::device_tree {
namespace {

// Returns the kind and layout of the first of the node's compatible strings that the kernel knows.
std::optional<UartDescription> kind_of(const DeviceTreeView& tree, DeviceTreeNode node)
{
    const auto compatible = tree.property(node, "compatible");
    return compatible ? uart_in_list(*compatible) : std::nullopt;
}

// Reads what the node says of the UART's registers.
DeviceTreeResult<UartClaim> read_claim(const DeviceTreeView& tree, DeviceTreeNode node, UartLayout usual)
{
    const auto shift = tree.number_or(node, "reg-shift", usual.shift);
    if (!shift)
        return std::unexpected(shift.error());
    const auto bytes = tree.number_or(node, "reg-io-width", usual.bytes);
    if (!bytes)
        return std::unexpected(bytes.error());
    const auto offset = tree.number_or(node, "reg-offset", 0);
    if (!offset)
        return std::unexpected(offset.error());
    const auto range = device_registers(tree, node, 0);
    if (!range)
        return std::unexpected(range.error());
    return UartClaim{.shift = *shift,
                     .bytes = *bytes,
                     .says_big_endian = tree.property(node, "big-endian").has_value(),
                     .says_little_endian = tree.property(node, "little-endian").has_value(),
                     .offset = *offset,
                     .range = *range};
}

DeviceTreeError error_of(const DeviceTreeView& tree, DeviceTreeNode node, const UartClaim& claim,
                         UartProblem problem)
{
    switch (problem) {
    case UartProblem::Shift:
        return tree.error(node, "reg-shift", "is too large", claim.shift);
    case UartProblem::Width:
        return tree.error(node, "reg-io-width", "is no width of this UART's registers", claim.bytes);
    case UartProblem::Distance:
        return tree.error(node, "reg-shift", "is too small for the width of this UART's registers",
                          claim.shift);
    case UartProblem::Size:
        return tree.error(node, "reg", "is too small for this UART's registers", claim.range.size.count());
    case UartProblem::Base:
        break;
    }
    return tree.error(node, "reg", "is not aligned as this UART's registers are",
                      claim.range.base.raw() + claim.offset);
}

// Returns the console, or an error if its registers cannot be what the kind's are.
DeviceTreeResult<UartDescription> read_registers(const DeviceTreeView& tree, DeviceTreeNode node,
                                                 const UartDescription& named)
{
    const auto claim = read_claim(tree, node, named.layout);
    if (!claim)
        return std::unexpected(claim.error());
    const auto uart = uart_as_claimed(named, *claim);
    if (!uart)
        return std::unexpected(error_of(tree, node, *claim, uart.error()));
    return *uart;
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
    if (const auto by_hand = uart_of_arguments(machine.boot_arguments)) {
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
