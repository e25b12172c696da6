// SPDX-License-Identifier: BSD-2-Clause
// Tests that what firmware says beside the tree takes the place of what the tree says.
#include "tests/host/support/device_tree_blob.hpp"
#include "tests/host/support/range.hpp"

#include <gtest/gtest.h>

#include <array>

namespace percival::testing {
namespace {

TreeEditor virt()
{
    return TreeEditor{load_tree("qemu-virt-gicv3")};
}

std::vector<std::pair<PhysRange, u32>> banks_of(const Reading& reading)
{
    std::vector<std::pair<PhysRange, u32>> banks;
    for (const MemoryBank& bank : reading.machine->memory)
        banks.emplace_back(bank.range, bank.numa_node);
    return banks;
}

using Banks = std::vector<std::pair<PhysRange, u32>>;

TEST(FirmwareFacts, without_facts_the_tree_counts)
{
    const Reading plain{virt().finish()};
    const Reading reading{virt().finish(), FirmwareFacts{}};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(banks_of(reading), banks_of(plain));
    EXPECT_EQ(reading.machine->random_seed, plain.machine->random_seed);
}

TEST(FirmwareFacts, the_firmwares_memory_replaces_the_trees)
{
    const std::array memory{range(0x4010'0000, 0x10'0000), range(0x5000'0000, 0x1000)};
    const Reading reading{virt().finish(), {.memory = memory}};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    EXPECT_EQ(banks_of(reading), (Banks{{memory[0], 0}, {memory[1], 0}}));
}

TEST(FirmwareFacts, a_tree_without_memory_is_enough)
{
    const std::array memory{range(0x4000'0000, 0x1000'0000)};
    const Blob tree = virt().remove_node("/memory@40000000").finish();
    EXPECT_NE(Reading{tree}.sentence, "");
    const Reading reading{tree, {.memory = memory}};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(banks_of(reading), (Banks{{memory[0], 0}}));
}

TEST(FirmwareFacts, the_tree_says_on_which_numa_node_memory_is)
{
    const Blob tree = virt()
                          .set_cells("/memory@40000000", "reg", {0, 0x4000'0000, 0, 0x1000'0000})
                          .set_cells("/memory@40000000", "numa-node-id", {1})
                          .add_node("/", "memory@50000000")
                          .set_text("/memory@50000000", "device_type", "memory")
                          .set_cells("/memory@50000000", "reg", {0, 0x5000'0000, 0, 0x1000'0000})
                          .set_cells("/memory@50000000", "numa-node-id", {2})
                          .finish();
    // From before the first bank to behind the last one.
    const std::array memory{range(0x3000'0000, 0x4000'0000)};
    const Reading reading{tree, {.memory = memory}};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(banks_of(reading), (Banks{{range(0x3000'0000, 0x1000'0000), 0},
                                        {range(0x4000'0000, 0x1000'0000), 1},
                                        {range(0x5000'0000, 0x1000'0000), 2},
                                        {range(0x6000'0000, 0x1000'0000), 0}}));
}

TEST(FirmwareFacts, load_options_replace_the_trees_arguments)
{
    const Blob tree = virt().set_text("/chosen", "bootargs", "of=tree").finish();
    EXPECT_EQ(Reading(tree, {.boot_arguments = "of=firmware"}).machine->boot_arguments, "of=firmware");
    EXPECT_EQ(Reading(tree, {.boot_arguments = ""}).machine->boot_arguments, "of=tree");
    EXPECT_EQ(Reading(virt().remove_node("/chosen").finish(), {.boot_arguments = "of=firmware"})
                  .machine->boot_arguments,
              "of=firmware");
}

TEST(FirmwareFacts, the_console_is_the_one_that_the_load_options_name)
{
    const Reading reading{virt().finish(), {.boot_arguments = "earlycon=pl011,0x12340000"}};
    EXPECT_EQ(reading.machine->uart.registers.base, PhysAddr{0x1234'0000});
}

TEST(FirmwareFacts, a_damaged_tree_has_the_load_options_too)
{
    const Blob tree = virt().remove_node("/cpus").finish();
    const Reading reading{tree, {.boot_arguments = "verdict=reset"}};
    EXPECT_NE(reading.sentence, "");
    EXPECT_EQ(reading.machine->boot_arguments, "verdict=reset");
}

TEST(FirmwareFacts, both_seeds_count)
{
    const Blob tree = virt().set_cells("/chosen", "rng-seed", {1, 2}).finish();
    const u64 of_tree = Reading{tree}.machine->random_seed;
    EXPECT_EQ(Reading(tree, {.random_seed = 0x55}).machine->random_seed, of_tree ^ 0x55);
}

} // namespace
} // namespace percival::testing
