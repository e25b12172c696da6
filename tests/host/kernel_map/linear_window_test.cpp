// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/linear_window.hpp"

#include "tests/host/support/range.hpp"

#include <gtest/gtest.h>

namespace percival::mm {
namespace {

constexpr u64 kGib = u64{1} << 30;
constexpr Bytes kSize = 256_GiB;
constexpr Bytes kAlignment = 1_GiB;
constexpr PhysAddr kLimit{u64{1} << 48};

MemoryBanks banks(std::initializer_list<PhysRange> ranges)
{
    MemoryBanks banks;
    for (const PhysRange bank : ranges)
        EXPECT_TRUE(banks.push({bank, 1}));
    return banks;
}

PhysRange window(const MemoryBanks& banks, PhysRange image)
{
    return linear_window(banks, image, kSize, kAlignment, kLimit);
}

TEST(LinearWindow, starts_with_the_lowest_bank)
{
    const MemoryBanks memory = banks({range(kGib + 0x1000, kGib), range(600 * kGib, kGib)});
    EXPECT_EQ(window(memory, range(kGib + 0x20'0000, 0x20'0000)), range(kGib, 256 * kGib));
}

TEST(LinearWindow, ends_with_the_image_if_that_lies_too_high)
{
    const PhysRange image = range(600 * kGib + 0x20'0000, 0x20'0000);
    const PhysRange found = window(banks({range(kGib, kGib), range(600 * kGib, kGib)}), image);
    EXPECT_EQ(found, range(345 * kGib, 256 * kGib));
    EXPECT_TRUE(found.contains(image));
    const PhysRange at_its_end = range(257 * kGib - 0x20'0000, 0x20'0000);
    EXPECT_EQ(window(banks({range(kGib, 600 * kGib)}), at_its_end), range(kGib, 256 * kGib));
    const PhysRange over_its_end = range(257 * kGib - 0x10'0000, 0x20'0000);
    EXPECT_EQ(window(banks({range(kGib, 600 * kGib)}), over_its_end), range(2 * kGib, 256 * kGib));
}

TEST(LinearWindow, starts_with_the_lowest_bank_if_the_image_is_below_it)
{
    EXPECT_EQ(window(banks({range(600 * kGib, kGib)}), range(kGib, kGib)), range(600 * kGib, 256 * kGib));
}

TEST(LinearWindow, ends_where_the_cpus_physical_addresses_end)
{
    const u64 end = kLimit.raw();
    EXPECT_EQ(window(banks({range(end - 2 * kGib, kGib)}), range(end - 2 * kGib, kGib)),
              range(end - 2 * kGib, 2 * kGib));
    EXPECT_TRUE(window(banks({range(end + kGib, kGib)}), range(end + kGib, kGib)).is_empty());
}

TEST(LinearWindow, banks_are_cut_to_it_and_the_rest_is_counted)
{
    MemoryBanks memory = banks(
        {range(0, kGib), range(2 * kGib, 2 * kGib), range(6 * kGib, 2 * kGib), range(20 * kGib, 3 * kGib)});
    EXPECT_EQ(keep_within(memory, range(3 * kGib, 4 * kGib)), Bytes{6 * kGib});
    ASSERT_EQ(memory.size(), 2U);
    EXPECT_EQ(memory[0].range, range(3 * kGib, kGib));
    EXPECT_EQ(memory[1].range, range(6 * kGib, kGib));
    EXPECT_EQ(memory[1].numa_node, 1U);
    EXPECT_EQ(keep_within(memory, range(0, 100 * kGib)), Bytes{0});
    EXPECT_EQ(memory.size(), 2U);
    EXPECT_EQ(keep_within(memory, PhysRange{}), Bytes{2 * kGib});
    EXPECT_TRUE(memory.empty());
}

TEST(LinearWindow, an_image_is_in_memory_only_as_a_whole)
{
    const MemoryBanks memory =
        banks({range(0x4000'0000, 0x10'0000), range(0x4010'0000, 0x10'0000), range(0x4030'0000, 0x10'0000)});
    const auto is_in = [&](u64 base, u64 size) { return is_in_memory(memory, range(base, size), 64_KiB); };
    EXPECT_TRUE(is_in(0x4000'0000, 0x10'0000));
    EXPECT_TRUE(is_in(0x4008'0000, 0x18'0000)) << "across two banks that touch";
    EXPECT_FALSE(is_in(0x4008'0000, 0x18'0001));
    EXPECT_FALSE(is_in(0x4018'0000, 0x20'0000)) << "across a hole";
    EXPECT_FALSE(is_in(0x3fff'0000, 0x2'0000)) << "half below";
    EXPECT_FALSE(is_in(0x4020'0000, 0x1'0000)) << "in the hole";
    EXPECT_FALSE(is_in(0x5000'0000, 0x1'0000)) << "above everything";
    EXPECT_FALSE(is_in(0x1000'0000, 0x1'0000)) << "below everything";
}

TEST(LinearWindow, pages_that_a_bank_has_only_in_part_do_not_count)
{
    const MemoryBanks memory = banks({range(0x4000'8000, 0x10'0000)});
    EXPECT_FALSE(is_in_memory(memory, range(0x4000'8000, 0x1000), 64_KiB));
    EXPECT_TRUE(is_in_memory(memory, range(0x4001'0000, 0xf'0000), 64_KiB));
    EXPECT_FALSE(is_in_memory(memory, range(0x4001'0000, 0xf'8000), 64_KiB));
    EXPECT_TRUE(is_in_memory(memory, range(0x4000'8000, 0x10'0000), 4_KiB));
}

TEST(LinearWindow, a_range_without_another_has_two_parts)
{
    const auto parts = [](PhysRange taken) { return without(range(0x1000, 0x3000), taken); };
    EXPECT_EQ(parts(range(0x2000, 0x1000)), (std::array{range(0x1000, 0x1000), range(0x3000, 0x1000)}));
    EXPECT_TRUE(parts(range(0, 0x8000))[0].is_empty());
    EXPECT_TRUE(parts(range(0, 0x8000))[1].is_empty());
    EXPECT_EQ(parts(range(0, 0x2000))[1], range(0x2000, 0x2000));
    EXPECT_TRUE(parts(range(0, 0x2000))[0].is_empty());
    EXPECT_EQ(parts(range(0x3000, 0x8000))[0], range(0x1000, 0x2000));
    EXPECT_TRUE(parts(range(0x3000, 0x8000))[1].is_empty());
    EXPECT_EQ(parts(range(0x8000, 0x1000))[0], range(0x1000, 0x3000));
    EXPECT_EQ(parts(range(0x4000, 0x1000))[0], range(0x1000, 0x3000));
    EXPECT_TRUE(parts(range(0x8000, 0x1000))[1].is_empty());
}

} // namespace
} // namespace percival::mm
