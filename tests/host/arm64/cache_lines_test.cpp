// SPDX-License-Identifier: BSD-2-Clause
// Tests how the sizes of cache lines are read from CTR_EL0 and combined over CPUs.
#include "arch/arm64/include/arch/cpu/cache_lines.hpp"

#include <gtest/gtest.h>

namespace percival::arch {
namespace {

constexpr u64 kSixtyFour = 0x8444'c004; // Cortex-A55, A76: 64 bytes everywhere
constexpr u64 kShortData = 0x8443'c004; // 32 bytes of data
constexpr u64 kShortInstructions = 0x8444'c003;
constexpr u64 kA64fx = 0x8646'8006; // lines and writeback granule of 256 bytes

TEST(CacheLines, are_read_from_ctr)
{
    EXPECT_EQ(CacheLines::of(kSixtyFour), (CacheLines{6, 6}));
    EXPECT_EQ(CacheLines::of(kShortData), (CacheLines{6, 5}));
    EXPECT_EQ(CacheLines::of(kA64fx), (CacheLines{8, 8}));
}

TEST(CacheLines, of_a_machine_are_the_smallest_of_each_kind)
{
    CacheLines machine;
    for (const u64 ctr : {kA64fx, kShortData, kSixtyFour, kShortInstructions})
        machine = machine.smallest_with(CacheLines::of(ctr));
    EXPECT_EQ(machine, (CacheLines{5, 5}));
}

TEST(CacheLines, a_writeback_granule_is_known_up_to_256_bytes)
{
    EXPECT_TRUE(writeback_granule_is_known(kSixtyFour));
    EXPECT_TRUE(writeback_granule_is_known(kA64fx));
    EXPECT_TRUE(writeback_granule_is_known(0x8003'8003)); // QEMU max reports none
    EXPECT_FALSE(writeback_granule_is_known(0x8744'c004));
    EXPECT_FALSE(writeback_granule_is_known(0x8944'c004));
}

} // namespace
} // namespace percival::arch
