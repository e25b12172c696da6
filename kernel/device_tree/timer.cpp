// SPDX-License-Identifier: BSD-2-Clause
// Reads the timer (binding timer/arm,arch_timer.yaml).
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

} // namespace percival::device_tree
