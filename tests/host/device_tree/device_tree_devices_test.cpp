// SPDX-License-Identifier: BSD-2-Clause
// Tests how interrupt controller, timer and /chosen are read.
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

const std::string kGic = "/intc@8000000";
const std::string kUart = "/pl011@9000000";

TreeEditor virt()
{
    return TreeEditor{load_tree("qemu-virt-gicv3")};
}

TreeEditor pi()
{
    return TreeEditor{load_tree("raspberry-pi-4")};
}

TEST(DeviceTreeGic, a_disabled_controller_is_ignored)
{
    const Reading reading{virt().set_text(kGic, "status", "disabled").finish()};
    EXPECT_EQ(reading.sentence.find("device tree: /: there is no interrupt controller"), 0U)
        << reading.sentence;
}

TEST(DeviceTreeGic, a_controller_on_a_disabled_bus_is_ignored)
{
    const Reading reading{pi().set_text("/soc", "status", "disabled").finish()};
    EXPECT_EQ(reading.sentence.find("device tree: /: there is no interrupt controller"), 0U)
        << reading.sentence;
}

TEST(DeviceTreeGic, missing_registers_are_an_error)
{
    EXPECT_EQ(Reading{virt().set_cells(kGic, "reg", {0, 0x800'0000, 0, 0x1'0000}).finish()}.sentence,
              "device tree: /intc@8000000: reg: has too few entries (0x1)");
    EXPECT_EQ(Reading{virt().set_cells(kGic, "#redistributor-regions", {2}).finish()}.sentence,
              "device tree: /intc@8000000: reg: has too few entries (0x2)");
}

TEST(DeviceTreeGic, region_counts_out_of_bounds_are_an_error)
{
    for (const u32 count : {0U, 33U, 0xffff'ffffU}) {
        const Reading reading{virt().set_cells(kGic, "#redistributor-regions", {count}).finish()};
        EXPECT_NE(reading.sentence.find("#redistributor-regions: is not from 1 to 32"), std::string::npos)
            << reading.sentence;
    }
}

TEST(DeviceTreeGic, misaligned_small_empty_or_high_registers_are_an_error)
{
    const auto sentence = [](std::initializer_list<u32> reg) {
        return Reading{virt().set_cells(kGic, "reg", reg).finish()}.sentence;
    };
    EXPECT_NE(sentence({0, 0x800'1000, 0, 0x1'0000, 0, 0x80a'0000, 0, 0xf6'0000}).find("is not aligned"),
              std::string::npos);
    EXPECT_NE(sentence({0, 0x800'0000, 0, 0x1000, 0, 0x80a'0000, 0, 0xf6'0000}).find("is too small"),
              std::string::npos);
    EXPECT_NE(sentence({0, 0x800'0000, 0, 0x1'0000, 0, 0x80a'0000, 0, 0x1'0000}).find("is too small"),
              std::string::npos);
    EXPECT_NE(sentence({0, 0x800'0000, 0, 0, 0, 0x80a'0000, 0, 0xf6'0000}).find("has an empty entry"),
              std::string::npos);
    EXPECT_NE(sentence({0xf'ffff, 0xffff'0000, 0, 0x2'0000, 0, 0x80a'0000, 0, 0xf6'0000}).find("52-bit"),
              std::string::npos);
    EXPECT_NE(sentence({0xffff'ffff, 0xffff'0000, 0xffff'ffff, 0xffff'0000, 0, 0, 0, 0}).find("52-bit"),
              std::string::npos);
}

TEST(DeviceTreeGic, a_cpu_interface_needs_no_more_than_256_bytes)
{
    const auto reading = [](u32 base, u32 size) {
        TreeEditor tree{load_tree("qemu-virt-gicv2")};
        return Reading{tree.set_cells(kGic, "reg", {0, 0x800'0000, 0, 0x1000, 0, base, 0, size}).finish()};
    };
    const Reading small = reading(0x801'0100, 0x100);
    ASSERT_EQ(small.sentence, "");
    EXPECT_EQ(small.machine->interrupt_controller.cpu_interface.size, Bytes{0x100});
    EXPECT_NE(reading(0x801'0000, 0xfc).sentence.find("is too small"), std::string::npos);
    EXPECT_NE(reading(0x801'0080, 0x100).sentence.find("is not aligned"), std::string::npos);
}

TEST(DeviceTreeGic, an_impossible_stride_is_an_error)
{
    for (const u32 stride : {0x1000U, 0x1'0000U, 0x2'1000U}) {
        const Reading reading{virt().set_cells(kGic, "redistributor-stride", {0, stride}).finish()};
        EXPECT_NE(reading.sentence.find("redistributor-stride"), std::string::npos) << stride;
    }
}

TEST(DeviceTreeBus, a_device_behind_a_bus_without_ranges_cannot_be_reached)
{
    EXPECT_EQ(Reading{pi().remove_property("/soc", "ranges").finish()}.sentence,
              "device tree: /soc: ranges: is missing");
}

TEST(DeviceTreeBus, ranges_that_do_not_cover_a_device_are_an_error)
{
    EXPECT_EQ(Reading{pi().set_cells("/soc", "ranges", {0x7e00'0000, 0, 0xfe00'0000, 0x180'0000}).finish()}
                  .sentence,
              "device tree: /soc: ranges: does not cover a register range of a device below (0x40041000)");
    const auto sentence_with_size = [](u32 size) {
        const Blob tree = pi().set_cells("/soc", "ranges", {0x4000'0000, 0, 0xff80'0000, size}).finish();
        return Reading{tree}.sentence;
    };
    EXPECT_EQ(sentence_with_size(0x4'4000), "") << "up to the end of the GIC's CPU interface";
    EXPECT_EQ(sentence_with_size(0x4'3fff),
              "device tree: /soc: ranges: does not cover a register range of a device below (0x40042000)");
}

TEST(DeviceTreeBus, ranges_of_half_an_entry_are_an_error)
{
    const Reading reading{pi().set_cells("/soc", "ranges", {0x4000'0000, 0, 0xff80'0000}).finish()};
    EXPECT_EQ(reading.sentence,
              "device tree: /soc: ranges: its length is not a whole number of entries (0xc)");
}

TEST(DeviceTreeBus, empty_ranges_change_nothing)
{
    const Reading reading{pi().set_bytes("/soc", "ranges", {}).finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->interrupt_controller.distributor.base, PhysAddr{0x4004'1000});
}

TEST(DeviceTreeTimer, an_interrupt_that_is_not_private_is_an_error)
{
    const std::initializer_list<u32> shared{1, 13, 4, 1, 14, 4, 0, 11, 4, 1, 10, 4};
    const std::initializer_list<u32> too_high{1, 13, 4, 1, 14, 4, 1, 16, 4, 1, 10, 4};
    for (const auto& interrupts : {shared, too_high}) {
        const Reading reading{virt().set_cells("/timer", "interrupts", interrupts).finish()};
        EXPECT_NE(reading.sentence.find("/timer: interrupts: the interrupt is not a private one of a CPU"),
                  std::string::npos)
            << reading.sentence;
    }
}

// The phandle of QEMU's interrupt controller, and a node that is another one.
constexpr u32 kGicHandle = 0x8005;
constexpr u32 kOtherHandle = 0x77;

TreeEditor with_two_controllers()
{
    TreeEditor tree = virt();
    tree.remove_property("/timer", "interrupts")
        .set_cells(kGic, "phandle", {kGicHandle})
        .add_node("/", "combiner")
        .set_cells("/combiner", "phandle", {kOtherHandle})
        .set_cells("/combiner", "#interrupt-cells", {1});
    return tree;
}

TEST(DeviceTreeTimer, interrupts_extended_is_read_entry_by_entry_as_each_controller_says)
{
    const std::initializer_list<u32> all_of_the_gic{kGicHandle, 1, 13, 4, kGicHandle, 1, 14, 4,
                                                    kGicHandle, 1, 12, 4, kGicHandle, 1, 10, 4};
    const std::initializer_list<u32> of_three_kinds{kOtherHandle, 5, 0, kGicHandle, 1, 12, 4};
    for (const auto& interrupts : {all_of_the_gic, of_three_kinds}) {
        const Reading reading{
            with_two_controllers().set_cells("/timer", "interrupts-extended", interrupts).finish()};
        EXPECT_EQ(reading.sentence, "");
        EXPECT_EQ(reading.machine->timer.virtual_interrupt, 28U);
    }
}

TEST(DeviceTreeTimer, interrupts_extended_counts_where_both_are_given)
{
    TreeEditor tree = with_two_controllers();
    tree.set_cells("/timer", "interrupts", {1, 13, 4, 1, 14, 4, 1, 11, 4})
        .set_cells("/timer", "interrupts-extended", {0, 0, kGicHandle, 1, 12, 4});
    EXPECT_EQ(Reading{tree.finish()}.machine->timer.virtual_interrupt, 28U);
}

TEST(DeviceTreeTimer, wrong_interrupts_extended_are_an_error)
{
    const auto sentence = [](std::initializer_list<u32> interrupts) {
        return Reading{with_two_controllers().set_cells("/timer", "interrupts-extended", interrupts).finish()}
            .sentence;
    };
    const std::string start = "device tree: /timer: interrupts-extended: ";
    EXPECT_EQ(sentence({}), start + "has too few entries (0x0)");
    EXPECT_EQ(sentence({0, 0, 0}), start + "has too few entries (0xc)");
    EXPECT_EQ(sentence({0, 0, 0x1234, 1, 11, 4}), start + "names no node by phandle (0x1234)");
    EXPECT_EQ(sentence({0, 0, kGicHandle, 1, 11}),
              start + "its length is not a whole number of entries (0x14)");
    EXPECT_EQ(sentence({0, 0, kGicHandle}), start + "its length is not a whole number of entries (0xc)");
    EXPECT_EQ(sentence({0, 0, kOtherHandle, 9}),
              start + "is wired to a controller that this kernel does not drive, phandle (0x77)");
    EXPECT_EQ(sentence({0, 0, kGicHandle, 0, 11, 4}),
              start + "the interrupt is not a private one of a CPU (0xb)");
}

TEST(DeviceTreeTimer, a_timer_of_the_32_bit_architecture_has_the_same_interrupts)
{
    TreeEditor tree = virt();
    tree.set_text("/timer", "compatible", "arm,armv7-timer")
        .set_cells("/timer", "interrupts", {1, 13, 4, 1, 10, 4, 1, 14, 4, 1, 11, 4});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->timer.virtual_interrupt, 30U);
    EXPECT_EQ(reading.all_notes(), "");
}

TEST(DeviceTreeTimer, too_few_interrupts_are_an_error)
{
    const Reading reading{virt().set_cells("/timer", "interrupts", {1, 13, 4, 1, 14, 4}).finish()};
    EXPECT_EQ(reading.sentence, "device tree: /timer: interrupts: has too few entries (0x18)");
}

TEST(DeviceTreeTimer, the_interrupts_of_el2_are_the_fourth_and_the_fifth)
{
    const auto interrupts = [](std::initializer_list<u32> cells) {
        const Reading reading{virt().set_cells("/timer", "interrupts", cells).finish()};
        EXPECT_EQ(reading.sentence, "");
        return std::pair{reading.machine->timer.hypervisor_physical_interrupt,
                         reading.machine->timer.hypervisor_virtual_interrupt};
    };
    EXPECT_EQ(interrupts({1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4, 1, 12, 4}), (std::pair{26U, 28U}));
    EXPECT_EQ(interrupts({1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4}), (std::pair{26U, 0U}));
    EXPECT_EQ(interrupts({1, 13, 4, 1, 14, 4, 1, 11, 4}), (std::pair{0U, 0U}));
    EXPECT_EQ(interrupts({1, 13, 4, 1, 14, 4, 1, 11, 4, 0, 10, 4, 1, 12, 4}), (std::pair{0U, 28U}))
        << "a shared interrupt is none of a timer";
}

TEST(DeviceTreeTimer, the_interrupts_of_el2_are_found_by_their_names)
{
    TreeEditor tree = virt();
    tree.set_cells("/timer", "interrupts", {1, 12, 4, 1, 11, 4, 1, 10, 4})
        .set_text("/timer", "interrupt-names", std::string{"hyp-virt\0virt\0hyp-phys", 22});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->timer.virtual_interrupt, 27U);
    EXPECT_EQ(reading.machine->timer.hypervisor_physical_interrupt, 26U);
    EXPECT_EQ(reading.machine->timer.hypervisor_virtual_interrupt, 28U);
}

TEST(DeviceTreeTimer, an_erratum_of_the_counter_is_known_by_its_property)
{
    const auto erratum = [](const std::string& property) {
        return Reading{virt().set_bytes("/timer", property, {}).finish()}.machine->timer.counter_erratum;
    };
    EXPECT_EQ(erratum("always-on"), CounterErratum::None);
    EXPECT_EQ(erratum("fsl,erratum-a008585"), CounterErratum::FslA008585);
    EXPECT_EQ(erratum("hisilicon,erratum-161010101"), CounterErratum::Hisilicon161010101);
    EXPECT_EQ(erratum("allwinner,erratum-unknown1"), CounterErratum::AllwinnerUnknown1);
}

TEST(DeviceTreeTimer, a_missing_timer_is_noted_and_the_usual_interrupt_is_used)
{
    const Reading reading{virt().remove_node("/timer").finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->timer.virtual_interrupt, 27U);
    EXPECT_TRUE(reading.has_note("there is no generic timer"));
}

TEST(DeviceTreeChosen, unterminated_boot_arguments_are_an_error)
{
    const std::array<std::byte, 3> text{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    const Reading reading{virt().set_bytes("/chosen", "bootargs", text).finish()};
    EXPECT_EQ(reading.sentence, "device tree: /chosen: bootargs: is not a NUL-terminated string");
}

TEST(DeviceTreeChosen, texts_of_no_bytes_are_empty)
{
    TreeEditor tree = virt();
    tree.set_bytes("/chosen", "bootargs", {}).set_bytes("/", "model", {}).set_bytes("/", "compatible", {});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->boot_arguments, "");
    EXPECT_EQ(reading.machine->model, "unknown");
}

TEST(DeviceTreeChosen, every_bit_of_a_seed_changes_the_result)
{
    const auto seed = [](std::initializer_list<u32> rng, std::initializer_list<u32> kaslr) {
        TreeEditor tree = virt();
        tree.set_cells("/chosen", "rng-seed", rng).set_cells("/chosen", "kaslr-seed", kaslr);
        return Reading{tree.finish()}.machine->random_seed;
    };
    const u64 first = seed({1, 2, 3, 4}, {5, 6});
    EXPECT_NE(first, 0U);
    EXPECT_EQ(first, seed({1, 2, 3, 4}, {5, 6}));
    EXPECT_NE(first, seed({1, 2, 3, 5}, {5, 6}));
    EXPECT_NE(first, seed({0x8000'0001, 2, 3, 4}, {5, 6}));
    EXPECT_NE(first, seed({1, 2, 3, 4}, {5, 7}));
    EXPECT_NE(seed({}, {5, 6}), 0U);
    EXPECT_EQ(seed({0, 0}, {0, 0}), 0U) << "used up by the loader";
}

} // namespace
} // namespace percival::testing
