// SPDX-License-Identifier: BSD-2-Clause
// Reads the timer and the console (bindings timer/arm,arch_timer.yaml, serial/pl011.yaml).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

CounterErratum counter_erratum(const DeviceTreeView& tree, DeviceTreeNode timer)
{
    if (tree.property(timer, "fsl,erratum-a008585"))
        return CounterErratum::FslA008585;
    if (tree.property(timer, "hisilicon,erratum-161010101"))
        return CounterErratum::Hisilicon161010101;
    if (tree.property(timer, "allwinner,erratum-unknown1"))
        return CounterErratum::AllwinnerUnknown1;
    return CounterErratum::None;
}

// Returns the console's registers, or an error if the kernel cannot drive `node`.
DeviceTreeResult<UartDescription> read_pl011(const DeviceTreeView& tree, DeviceTreeNode node)
{
    // The last register that the driver uses is UARTDMACR at 0x48 (DDI 0183G, 3.2).
    constexpr Bytes kAtLeast{0x4c};
    const auto registers = device_registers(tree, node, 0);
    if (!registers)
        return std::unexpected(registers.error());
    if (!registers->base.is_aligned(Bytes{4}) || registers->size < kAtLeast)
        return std::unexpected(
            tree.error(node, "reg", "is not the register range of a PL011", registers->base.raw()));
    return UartDescription{UartKind::Pl011, *registers};
}

bool is_uart_of_ours(const DeviceTreeView& tree, DeviceTreeNode node)
{
    return any_uart_name([&](std::string_view name) { return tree.is_compatible(node, name); });
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

// Returns the first enabled UART that the kernel drives and that no other device is wired to.
std::optional<DeviceTreeNode> first_free_uart(const DeviceTreeView& tree)
{
    for (std::optional<DeviceTreeNode> node = tree.root(); node; node = tree.next(*node)) {
        if (is_uart_of_ours(tree, *node) && !has_device_behind(tree, *node) &&
            tree.is_enabled_with_parents(*node))
            return node;
    }
    return std::nullopt;
}

} // namespace

DeviceTreeResult<void> read_timer(const DeviceTreeView& tree, DeviceTreeNode controller,
                                  MachineDescription& machine)
{
    constexpr std::size_t kVirtual = 2; // order: secure, non-secure, virtual, hypervisor
    constexpr u32 kOfBcm2836 = 19;

    const auto timer = tree.find_compatible("arm,armv8-timer", "arm,armv7-timer");
    if (!timer) {
        if (machine.interrupt_controller.kind == InterruptControllerKind::Bcm2836)
            machine.timer.virtual_interrupt = kOfBcm2836;
        note(machine,
             tree.error(tree.root(), "", "there is no generic timer, so its interrupt is assumed to be",
                        machine.timer.virtual_interrupt));
        return {};
    }
    machine.timer.counter_erratum = counter_erratum(tree, *timer);
    std::size_t place = kVirtual;
    if (const auto names = tree.property(*timer, "interrupt-names")) {
        const auto named = names->place_of("virt");
        if (!named)
            return std::unexpected(tree.error(*timer, "interrupt-names", "does not name \"virt\""));
        place = *named;
    }
    const auto interrupt =
        private_interrupt(tree, *timer, place, controller, machine.interrupt_controller.kind);
    if (!interrupt)
        return std::unexpected(interrupt.error());
    machine.timer.virtual_interrupt = *interrupt;

    const auto frequency = tree.number_or(*timer, "clock-frequency", 0);
    if (!frequency)
        return std::unexpected(frequency.error());
    if (*frequency > 0xffff'ffff)
        return std::unexpected(tree.error(*timer, "clock-frequency", "does not fit 32 bits", *frequency));
    machine.timer.frequency_override = static_cast<u32>(*frequency);
    return {};
}

void read_uart(const DeviceTreeView& tree, MachineDescription& machine)
{
    auto node = console_node(tree, machine);
    if (node && !tree.is_enabled_with_parents(*node)) {
        note(machine, tree.error(*node, "", "is the stdout-path, but is disabled"));
        node.reset();
    }
    // Where the tree names a console that works, no other UART is taken for it: another device may be wired
    // to that one.
    if (node && !is_uart_of_ours(tree, *node))
        return note(machine, tree.error(*node, "",
                                        "is the stdout-path, but not a UART that this kernel drives, so "
                                        "there is no console"));
    if (!node)
        node = first_free_uart(tree);
    if (!node)
        return;
    // The kernel also runs without a console, so this error is only noted.
    if (const auto uart = read_pl011(tree, *node))
        machine.uart = *uart;
    else
        note(machine, uart.error());
}

} // namespace percival::device_tree
