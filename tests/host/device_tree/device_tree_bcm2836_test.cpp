// SPDX-License-Identifier: BSD-2-Clause
// Tests how the local interrupt controller of a BCM2836 is read, and the timer's interrupt that it has.
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

const std::string kLocal = "/soc@7e000000/interrupt-controller@40000000";
const std::string kPeripherals = "/soc@7e000000/interrupt-controller@7e00b200";

TreeEditor pi()
{
    return TreeEditor{load_tree("raspberry-pi-3")};
}

TEST(DeviceTreeBcm2836, misaligned_small_or_missing_registers_are_an_error)
{
    const auto sentence = [](std::initializer_list<u32> reg) {
        return Reading{pi().set_cells(kLocal, "reg", reg).finish()}.sentence;
    };
    const std::string start = "device tree: " + kLocal + ": reg: ";
    EXPECT_EQ(sentence({0x4000'0000, 0x100}), "");
    EXPECT_EQ(sentence({0x4000'0000, 0xfc}), start + "is too small for the controller's registers (0xfc)");
    EXPECT_EQ(sentence({0x4000'0080, 0x100}),
              start + "is not aligned as the controller's registers are (0x40000080)");
    EXPECT_EQ(Reading{pi().remove_property(kLocal, "reg").finish()}.sentence, start + "is missing");
}

TEST(DeviceTreeBcm2836, registers_of_peripheral_interrupts_are_checked_too)
{
    const auto sentence = [](std::initializer_list<u32> reg) {
        return Reading{pi().set_cells(kPeripherals, "reg", reg).finish()}.sentence;
    };
    const std::string start = "device tree: " + kPeripherals + ": reg: ";
    EXPECT_EQ(sentence({0x7e00'b200, 0x28}), "");
    EXPECT_EQ(sentence({0x7e00'b200, 0x24}), start + "is too small for the controller's registers (0x24)");
    EXPECT_EQ(sentence({0x7e00'b202, 0x28}),
              start + "is not aligned as the controller's registers are (0x3f00b202)");
}

TEST(DeviceTreeBcm2836, the_controller_of_peripheral_interrupts_may_be_missing)
{
    const Reading reading{pi().remove_node(kPeripherals).finish()};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_TRUE(reading.machine->interrupt_controller.peripherals.is_empty());
}

TEST(DeviceTreeBcm2836, without_it_there_is_no_interrupt_controller)
{
    const Reading reading{pi().set_text(kLocal, "status", "disabled").finish()};
    EXPECT_EQ(reading.sentence,
              "device tree: /: there is no interrupt controller: no enabled node is compatible with a GICv2 "
              "or GICv3, or with a BCM2836's local controller");
}

TEST(DeviceTreeBcm2836, entries_without_flags_are_read_as_the_first_trees_have_them)
{
    TreeEditor tree = pi();
    tree.set_cells(kLocal, "#interrupt-cells", {1}).set_cells("/timer", "interrupts", {0, 1, 3, 2});
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->timer.virtual_interrupt, 19U);
}

TEST(DeviceTreeBcm2836, other_cells_per_interrupt_are_an_error)
{
    for (const u32 cells : {0U, 3U}) {
        const Reading reading{pi().set_cells(kLocal, "#interrupt-cells", {cells}).finish()};
        EXPECT_EQ(reading.sentence.find("device tree: " + kLocal + ": #interrupt-cells: is neither 1 nor 2"),
                  0U)
            << reading.sentence;
    }
}

TEST(DeviceTreeBcm2836, an_interrupt_that_is_no_timers_is_an_error)
{
    for (const u32 timer : {0U, 1U, 2U, 3U}) {
        const Reading reading{pi().set_cells("/timer", "interrupts", {0, 4, 1, 4, timer, 4, 2, 4}).finish()};
        EXPECT_EQ(reading.sentence, "");
        EXPECT_EQ(reading.machine->timer.virtual_interrupt, 16 + timer);
    }
    for (const u32 other : {4U, 8U, 9U, 0xffff'ffffU}) {
        const Reading reading{pi().set_cells("/timer", "interrupts", {0, 4, 1, 4, other, 4, 2, 4}).finish()};
        EXPECT_EQ(reading.sentence.find(
                      "device tree: /timer: interrupts: the interrupt is not a private one of a CPU"),
                  0U)
            << reading.sentence;
    }
}

TEST(DeviceTreeBcm2836, without_a_timer_the_virtual_one_is_assumed)
{
    const Reading reading{pi().remove_node("/timer").finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->timer.virtual_interrupt, 19U);
    EXPECT_TRUE(reading.has_note("there is no generic timer"));
}

TEST(DeviceTreeBcm2836, a_gic_beside_it_is_taken)
{
    TreeEditor tree = pi();
    tree.add_node("/soc@7e000000", "gic")
        .set_text("/soc@7e000000/gic", "compatible", "arm,gic-400")
        .set_cells("/soc@7e000000/gic", "reg", {0x4000'0000, 0x1000, 0x7e00'0000, 0x2000})
        .set_cells("/timer", "interrupts", {1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4});
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->interrupt_controller.kind, InterruptControllerKind::GicV2);
    EXPECT_TRUE(reading.machine->interrupt_controller.local.is_empty());
}

} // namespace
} // namespace percival::testing
