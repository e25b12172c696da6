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

// Where the interrupts stand in the node's list.
struct Places {
    std::optional<std::size_t> of_virtual{2}; // order: secure, non-secure, virtual, hypervisor's two
    std::optional<std::size_t> of_hypervisor_physical{3};
    std::optional<std::size_t> of_hypervisor_virtual{4};
};

Places places_in(const DeviceTreeView& tree, DeviceTreeNode timer)
{
    const auto names = tree.property(timer, "interrupt-names");
    if (!names)
        return {};
    return {names->place_of("virt"), names->place_of("hyp-phys"), names->place_of("hyp-virt")};
}

} // namespace

DeviceTreeResult<void> read_timer(const DeviceTreeView& tree, DeviceTreeNode controller,
                                  MachineDescription& machine)
{
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
    const Places places = places_in(tree, *timer);
    if (!places.of_virtual)
        return std::unexpected(tree.error(*timer, "interrupt-names", "does not name \"virt\""));
    const auto interrupt_at = [&](std::size_t place) {
        return private_interrupt(tree, *timer, place, controller, machine.interrupt_controller.kind);
    };
    const auto interrupt = interrupt_at(*places.of_virtual);
    if (!interrupt)
        return std::unexpected(interrupt.error());
    machine.timer.virtual_interrupt = *interrupt;
    // Many trees lack these, and only a kernel at EL2 needs one.
    const auto interrupt_if_given = [&](std::optional<std::size_t> place) {
        return place && may_have_interrupt(tree, *timer, *place, controller)
                   ? interrupt_at(*place).value_or(0)
                   : 0;
    };
    machine.timer.hypervisor_physical_interrupt = interrupt_if_given(places.of_hypervisor_physical);
    machine.timer.hypervisor_virtual_interrupt = interrupt_if_given(places.of_hypervisor_virtual);

    const auto frequency = tree.number_or(*timer, "clock-frequency", 0);
    if (!frequency)
        return std::unexpected(frequency.error());
    if (*frequency > 0xffff'ffff)
        return std::unexpected(tree.error(*timer, "clock-frequency", "does not fit 32 bits", *frequency));
    machine.timer.frequency_override = static_cast<u32>(*frequency);
    return {};
}

} // namespace percival::device_tree
