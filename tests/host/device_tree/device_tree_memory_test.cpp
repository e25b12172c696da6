// SPDX-License-Identifier: BSD-2-Clause
// Tests how memory banks and reservations are read, in all the forms that a tree can give them.
#include "tests/host/support/device_tree_blob.hpp"
#include "tests/host/support/range.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

const std::string kBank = "/memory@40000000";

TreeEditor virt()
{
    return TreeEditor{load_tree("qemu-virt-gicv3")};
}

TreeEditor& add_bank(TreeEditor& tree, const std::string& name, std::initializer_list<u32> reg, u32 numa_node)
{
    return tree.add_node("/", name)
        .set_text("/" + name, "device_type", "memory")
        .set_cells("/" + name, "reg", reg)
        .set_cells("/" + name, "numa-node-id", {numa_node});
}

TEST(DeviceTreeMemory, empty_banks_are_dropped)
{
    const Reading reading{
        virt().set_cells(kBank, "reg", {0, 0x1000, 0, 0, 0, 0x4000'0000, 0, 0x1000}).finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->memory.size(), 1U);
    EXPECT_EQ(reading.machine->memory[0].range, range(0x4000'0000, 0x1000));
}

TEST(DeviceTreeMemory, only_empty_banks_are_no_memory)
{
    const Reading reading{virt().set_cells(kBank, "reg", {0, 0x4000'0000, 0, 0}).finish()};
    EXPECT_NE(reading.sentence.find("there is no memory"), std::string::npos) << reading.sentence;
}

TEST(DeviceTreeMemory, overlapping_and_nested_banks_become_one)
{
    const Reading reading{virt()
                              .set_cells(kBank, "reg",
                                         {0, 0x4000'0000, 0, 0x1000'0000, //
                                          0, 0x4800'0000, 0, 0x1000'0000, //
                                          0, 0x4100'0000, 0, 0x1000})
                              .finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->memory.size(), 1U);
    EXPECT_EQ(reading.machine->memory[0].range, range(0x4000'0000, 0x1800'0000));
    EXPECT_EQ(reading.all_notes(), "");
}

TEST(DeviceTreeMemory, touching_banks_of_two_numa_nodes_stay_two)
{
    TreeEditor tree = virt();
    const Reading reading{add_bank(tree, "memory@60000000", {0, 0x6000'0000, 0, 0x1000'0000}, 3).finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->memory.size(), 2U);
    EXPECT_EQ(reading.machine->memory[1].range, range(0x6000'0000, 0x1000'0000));
    EXPECT_EQ(reading.machine->memory[1].numa_node, 3U);
    EXPECT_EQ(reading.all_notes(), "");
}

TEST(DeviceTreeMemory, memory_that_two_numa_nodes_claim_goes_to_the_lower_bank_and_is_noted)
{
    TreeEditor tree = virt();
    const Reading reading{add_bank(tree, "memory@5ff00000", {0, 0x5ff0'0000, 0, 0x1000'0000}, 1).finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->memory.size(), 2U);
    EXPECT_EQ(reading.machine->memory[0].range, range(0x4000'0000, 0x2000'0000));
    EXPECT_EQ(reading.machine->memory[1].range, range(0x6000'0000, 0x0ff0'0000));
    EXPECT_TRUE(reading.has_note("two NUMA nodes claim the same memory"));
}

TEST(DeviceTreeMemory, a_bank_within_another_nodes_bank_vanishes)
{
    TreeEditor tree = virt();
    const Reading reading{add_bank(tree, "memory@50000000", {0, 0x5000'0000, 0, 0x1000'0000}, 1).finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    EXPECT_EQ(reading.machine->memory.size(), 1U);
}

TEST(DeviceTreeMemory, a_bank_that_wraps_is_cut_at_52_bits_and_noted)
{
    const Reading reading{
        virt().set_cells(kBank, "reg", {0, 0x4000'0000, 0xffff'ffff, 0xffff'ffff}).finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->memory[0].range.end(), PhysAddr{u64{1} << 52});
    EXPECT_TRUE(reading.has_note("/memory@40000000: reg: memory beyond the 52-bit")) << reading.all_notes();
}

TEST(DeviceTreeMemory, a_bank_above_52_bits_is_left_out_and_noted)
{
    const Reading reading{
        virt().set_cells(kBank, "reg", {0x10'0000, 0, 0, 0x1000, 0, 0x4000'0000, 0, 0x1000}).finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->memory.size(), 1U);
    EXPECT_EQ(reading.machine->memory[0].range, range(0x4000'0000, 0x1000));
    EXPECT_TRUE(reading.has_note("52-bit")) << reading.all_notes();
}

TEST(DeviceTreeMemory, banks_beyond_the_limit_are_left_out_and_counted)
{
    TreeEditor tree = virt();
    for (u32 bank = 0; bank < 100; ++bank)
        add_bank(tree, "memory@1" + std::to_string(bank), {1, bank * 0x20'0000, 0, 0x10'0000}, 0);
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    EXPECT_EQ(reading.machine->memory.size(), kMaxMemoryBanks);
    EXPECT_TRUE(reading.has_note("there are too many banks")) << reading.all_notes();
    EXPECT_EQ(reading.machine->notes.size() + reading.machine->notes_left_out, 101 - kMaxMemoryBanks);
}

TEST(DeviceTreeMemory, many_adjacent_banks_share_one_entry)
{
    TreeEditor tree = virt();
    for (u32 bank = 0; bank < 100; ++bank)
        add_bank(tree, "memory@1" + std::to_string(bank), {1, bank * 0x20'0000, 0, 0x20'0000}, 0);
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->memory.size(), 2U);
    EXPECT_EQ(reading.machine->memory[1].range, range(0x1'0000'0000, 100 * 0x20'0000));
    EXPECT_EQ(reading.all_notes(), "");
}

TEST(DeviceTreeMemory, a_numa_node_out_of_bounds_becomes_node_0_and_is_noted)
{
    const Reading reading{virt().set_cells(kBank, "numa-node-id", {0xffff'ffff}).finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->memory[0].numa_node, 0U);
    EXPECT_TRUE(reading.has_note("numa-node-id")) << reading.all_notes();
}

TEST(DeviceTreeMemory, a_reg_that_is_no_whole_number_of_entries_is_an_error)
{
    const Reading reading{virt().set_cells(kBank, "reg", {0, 0x4000'0000, 0x1000}).finish()};
    EXPECT_EQ(reading.sentence,
              "device tree: /memory@40000000: reg: its length is not a whole number of entries (0xc)");
}

TEST(DeviceTreeMemory, a_number_that_is_neither_one_cell_nor_two_is_an_error)
{
    for (const auto& cells : {std::initializer_list<u32>{}, {0, 0, 0}}) {
        const Reading reading{virt().set_cells(kBank, "numa-node-id", cells).finish()};
        EXPECT_EQ(reading.sentence,
                  "device tree: /memory@40000000: numa-node-id: is not a number of one or two cells");
    }
    EXPECT_EQ(Reading{virt().set_cells(kBank, "numa-node-id", {0, 1}).finish()}.sentence, "");
}

TEST(DeviceTreeMemory, invalid_cell_counts_are_an_error)
{
    for (const u32 cells : {0U, 3U, 0xffff'ffffU}) {
        const Reading reading{virt().set_cells("/", "#address-cells", {cells}).finish()};
        EXPECT_EQ(reading.sentence.find("device tree: /: #address-cells: is neither 1 nor 2"), 0U)
            << reading.sentence;
    }
    const Reading reading{virt().set_cells("/", "#size-cells", {3}).finish()};
    EXPECT_EQ(reading.sentence, "device tree: /: #size-cells: is more than 2 (0x3)");
}

// As kexec hands them to a crash kernel.
constexpr const char* kUsableRanges = "linux,usable-memory-range";

TEST(DeviceTreeMemory, a_usable_range_restricts_all_banks)
{
    TreeEditor tree = virt();
    add_bank(tree, "memory@80000000", {0, 0x8000'0000, 0, 0x1000'0000}, 1);
    add_bank(tree, "memory@c0000000", {0, 0xc000'0000, 0, 0x1000'0000}, 1);
    tree.set_cells("/chosen", kUsableRanges, {0, 0x5000'0000, 0, 0x3800'0000});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    ASSERT_EQ(reading.machine->memory.size(), 2U);
    EXPECT_EQ(reading.machine->memory[0].range, range(0x5000'0000, 0x1000'0000));
    EXPECT_EQ(reading.machine->memory[1].range, range(0x8000'0000, 0x0800'0000));
    EXPECT_EQ(reading.machine->memory[1].numa_node, 1U);
    EXPECT_EQ(reading.all_notes(), "");
}

TEST(DeviceTreeMemory, several_usable_ranges_may_overlap_and_come_in_any_order)
{
    const Reading reading{virt()
                              .set_cells("/chosen", kUsableRanges,
                                         {0, 0x5800'0000, 0, 0x0010'0000, //
                                          0, 0, 0, 0,                     //
                                          0, 0x4000'0000, 0, 0x0100'0000, //
                                          0, 0x4080'0000, 0, 0x0100'0000})
                              .finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    ASSERT_EQ(reading.machine->memory.size(), 2U);
    EXPECT_EQ(reading.machine->memory[0].range, range(0x4000'0000, 0x0180'0000));
    EXPECT_EQ(reading.machine->memory[1].range, range(0x5800'0000, 0x0010'0000));
}

TEST(DeviceTreeMemory, usable_ranges_have_the_cells_of_the_root)
{
    TreeEditor tree{load_tree("minimal")};
    tree.add_node("/", "chosen").set_cells("/chosen", kUsableRanges, {0x4100'0000, 0x0100'0000});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->memory[0].range, range(0x4100'0000, 0x0100'0000));
}

TEST(DeviceTreeMemory, usable_ranges_that_are_all_empty_restrict_nothing)
{
    for (const auto& ranges : {std::initializer_list<u32>{}, {0, 0x4000'0000, 0, 0}}) {
        const Reading reading{virt().set_cells("/chosen", kUsableRanges, ranges).finish()};
        ASSERT_EQ(reading.sentence, "");
        EXPECT_EQ(reading.machine->memory[0].range, range(0x4000'0000, 0x2000'0000));
    }
}

TEST(DeviceTreeMemory, wrong_usable_ranges_are_an_error)
{
    const auto sentence = [](std::initializer_list<u32> ranges) {
        return Reading{virt().set_cells("/chosen", kUsableRanges, ranges).finish()}.sentence;
    };
    const std::string start = "device tree: /chosen: linux,usable-memory-range: ";
    EXPECT_EQ(sentence({0, 0x4000'0000, 0x1000}),
              start + "its length is not a whole number of entries (0xc)");
    EXPECT_EQ(sentence({0, 0x1000, 0, 0x1000}), start + "contains no memory of this machine");
}

TEST(DeviceTreeMemory, usable_ranges_that_make_too_many_banks_are_left_out_and_noted)
{
    TreeEditor tree = virt();
    std::vector<std::byte> ranges;
    for (u32 at = 0; at < 100; ++at) {
        for (const u32 cell : {0U, 0x4000'0000U + at * 0x20'0000, 0U, 0x10'0000U}) {
            for (unsigned shift : {24U, 16U, 8U, 0U})
                ranges.push_back(static_cast<std::byte>(cell >> shift));
        }
    }
    const Reading reading{tree.set_bytes("/chosen", kUsableRanges, ranges).finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    EXPECT_EQ(reading.machine->memory.size(), kMaxMemoryBanks);
    EXPECT_TRUE(
        reading.has_note("/chosen: linux,usable-memory-range: is not used: there are too many banks"));
}

TEST(DeviceTreeMemory, the_usable_memory_of_a_node_counts_instead_of_its_reg)
{
    TreeEditor tree = virt();
    const Reading part{
        tree.set_cells(kBank, "linux,usable-memory", {0, 0x4800'0000, 0, 0x0100'0000}).finish()};
    ASSERT_EQ(part.sentence, "");
    ASSERT_EQ(part.machine->memory.size(), 1U);
    EXPECT_EQ(part.machine->memory[0].range, range(0x4800'0000, 0x0100'0000));
    add_bank(tree, "memory@80000000", {0, 0x8000'0000, 0, 0x1000'0000}, 0);
    const Reading none{tree.set_cells(kBank, "linux,usable-memory", {}).finish()};
    ASSERT_EQ(none.sentence, "");
    ASSERT_EQ(none.machine->memory.size(), 1U);
    EXPECT_EQ(none.machine->memory[0].range, range(0x8000'0000, 0x1000'0000));
}

TEST(DeviceTreeMemory, empty_reservations_are_dropped_and_wrapping_ones_are_cut)
{
    TreeEditor tree = virt();
    tree.add_node("/", "reserved-memory")
        .set_cells("/reserved-memory", "#address-cells", {2})
        .set_cells("/reserved-memory", "#size-cells", {2})
        .add_node("/reserved-memory", "a")
        .set_cells("/reserved-memory/a", "reg",
                   {0, 0x5000'0000, 0, 0, 0, 0x5000'0000, 0xffff'ffff, 0xffff'ffff});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->reserved.size(), 1U);
    EXPECT_EQ(reading.machine->reserved[0].range.base, PhysAddr{0x5000'0000});
    EXPECT_EQ(reading.machine->reserved[0].range.end(), PhysAddr{u64{1} << 52});
}

TEST(DeviceTreeMemory, reserved_memory_without_cells_has_those_of_the_root)
{
    TreeEditor tree = virt();
    tree.add_node("/", "reserved-memory")
        .add_node("/reserved-memory", "a")
        .set_cells("/reserved-memory/a", "reg", {0, 0x5000'0000, 0, 0x1000, 0, 0x5800'0000, 0, 0x2000});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    ASSERT_EQ(reading.machine->reserved.size(), 2U);
    EXPECT_EQ(reading.machine->reserved[0].range, range(0x5000'0000, 0x1000));
    EXPECT_EQ(reading.machine->reserved[1].range, range(0x5800'0000, 0x2000));
}

TEST(DeviceTreeMemory, too_many_reservations_are_an_error)
{
    TreeEditor tree = virt();
    for (u64 at = 0; at < kMaxReservations; ++at)
        tree.add_block_reservation(0x4000'0000 + at * 0x1000, 0x800);
    EXPECT_EQ(Reading{tree.finish()}.sentence, "");
    tree.add_block_reservation(0x5000'0000, 0x800);
    EXPECT_EQ(Reading{tree.finish()}.sentence, "device tree: /: there are more reservations than (0x80)");
}

TEST(DeviceTreeMemory, a_malformed_reservation_is_an_error)
{
    TreeEditor tree{load_tree("raspberry-pi-4")};
    const Reading reading{tree.set_cells("/reserved-memory/nvram@0", "reg", {0, 1}).finish()};
    EXPECT_EQ(reading.sentence.find("device tree: /reserved-memory/nvram@0: reg: "), 0U) << reading.sentence;
}

} // namespace
} // namespace percival::testing
