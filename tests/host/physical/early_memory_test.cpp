// SPDX-License-Identifier: BSD-2-Clause
#include "mm/physical/early_memory.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace percival::mm {
namespace {

constexpr Bytes kPage{4096};

PhysRange range(u64 from, u64 to)
{
    return {PhysAddr{from}, Bytes{to - from}};
}

TEST(EarlyMemory, allocates_from_the_top_down)
{
    EarlyMemory memory;
    ASSERT_TRUE(memory.add(range(0x10000, 0x20000)));
    const auto first = memory.allocate(kPage, kPage);
    const auto second = memory.allocate(kPage, kPage);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->base, PhysAddr{0x1f000});
    EXPECT_EQ(second->base, PhysAddr{0x1e000});
    EXPECT_EQ(memory.free_bytes(), Bytes{0xe000});
}

TEST(EarlyMemory, keeps_the_memory_free_that_alignment_skips)
{
    EarlyMemory memory;
    ASSERT_TRUE(memory.add(range(0x1000, 0x23000)));
    const auto block = memory.allocate(Bytes{0x2000}, Bytes{0x10000});
    ASSERT_TRUE(block);
    EXPECT_EQ(block->base, PhysAddr{0x20000});
    EXPECT_EQ(memory.free_bytes(), Bytes{0x20000});
    EXPECT_EQ(memory.allocate(Bytes{0x1000}, kPage)->base, PhysAddr{0x22000});
}

TEST(EarlyMemory, returns_nothing_if_no_range_fits)
{
    EarlyMemory memory;
    ASSERT_TRUE(memory.add(range(0x1000, 0x3000)));
    EXPECT_FALSE(memory.allocate(Bytes{0x3000}, kPage));
    EXPECT_FALSE(memory.allocate(Bytes{0x1000}, Bytes{0x10000}));
    EXPECT_FALSE(memory.allocate(Bytes{0}, kPage));
    EXPECT_EQ(memory.free_bytes(), Bytes{0x2000});
}

TEST(EarlyMemory, reserving_the_middle_leaves_both_sides)
{
    EarlyMemory memory;
    ASSERT_TRUE(memory.add(range(0x10000, 0x20000)));
    ASSERT_TRUE(memory.reserve(range(0x14000, 0x18000)));
    EXPECT_EQ(memory.free_bytes(), Bytes{0xc000});
    EXPECT_EQ(memory.allocate(Bytes{0x8000}, kPage)->base, PhysAddr{0x18000});
    EXPECT_EQ(memory.allocate(Bytes{0x4000}, kPage)->base, PhysAddr{0x10000});
    EXPECT_FALSE(memory.allocate(kPage, kPage));
}

TEST(EarlyMemory, reserving_across_several_banks_takes_from_each)
{
    EarlyMemory memory;
    ASSERT_TRUE(memory.add(range(0x1000, 0x3000)));
    ASSERT_TRUE(memory.add(range(0x4000, 0x6000)));
    ASSERT_TRUE(memory.reserve(range(0x2000, 0x5000)));
    EXPECT_EQ(memory.free_bytes(), Bytes{0x2000});
}

TEST(EarlyMemory, reserved_memory_is_never_free_even_when_the_list_is_full)
{
    EarlyMemory memory;
    for (u64 bank = 0; bank < EarlyMemory::kMaxRanges; ++bank)
        ASSERT_TRUE(memory.add(range(bank * 0x10000, bank * 0x10000 + 0x8000)));
    EXPECT_FALSE(memory.add(range(0xff000000, 0xff001000)));
    EXPECT_FALSE(memory.reserve(range(0x2000, 0x3000))); // would need one more range
    while (const auto page = memory.allocate(Bytes{0x1000}, Bytes{0x1000}))
        EXPECT_FALSE(page->overlaps(range(0x2000, 0x3000)));
}

// Compares random operations with a plain map of page states.
TEST(EarlyMemory, random_operations_agree_with_a_page_map)
{
    std::mt19937_64 random{1};
    for (int round = 0; round < 200; ++round) {
        constexpr u64 kPages = 512;
        EarlyMemory memory;
        std::vector<bool> free(kPages, false);
        const auto mark = [&](PhysRange r, bool value) {
            for (u64 page = r.base.raw() / 4096; page < r.end().raw() / 4096; ++page)
                free[page] = value;
        };
        for (u64 bank = 0; bank < 4; ++bank) {
            const PhysRange r = range(bank * 128 * 4096, (bank * 128 + 1 + random() % 128) * 4096);
            ASSERT_TRUE(memory.add(r));
            mark(r, true);
        }
        for (int step = 0; step < 100; ++step) {
            if (random() % 3 == 0) {
                const u64 from = random() % kPages;
                const PhysRange r = range(from * 4096, std::min(kPages, from + random() % 16) * 4096);
                ASSERT_TRUE(memory.reserve(r));
                mark(r, false);
            } else if (const auto r =
                           memory.allocate(kPage * (1 + random() % 8), kPage * (1u << random() % 5))) {
                for (u64 page = r->base.raw() / 4096; page < r->end().raw() / 4096; ++page)
                    ASSERT_TRUE(free[page]);
                mark(*r, false);
            }
            u64 count = 0;
            for (const bool is_free : free)
                count += is_free;
            ASSERT_EQ(memory.free_bytes(), kPage * count);
            ASSERT_EQ(memory.free_bytes() + memory.taken_bytes(), memory.added_bytes());
        }
    }
}

} // namespace
} // namespace percival::mm
