// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/tick_conversion.hpp"

#include <gtest/gtest.h>

#include <random>

namespace percival {
namespace {

u64 by_wide_product(u64 ticks, u32 frequency)
{
    return static_cast<u64>(static_cast<unsigned __int128>(ticks) * 1'000'000'000 / frequency);
}

TEST(TickConversionTest, EqualsTheWideProductForEveryFrequencyInUse)
{
    std::mt19937_64 random{1};
    for (u32 frequency : {1u, 3u, 8'000'000u, 19'200'000u, 24'000'000u, 25'000'000u, 31'250'000u, 54'000'000u,
                          62'500'000u, 100'000'000u, 1'000'000'000u, 0xffff'ffffu}) {
        for (int i = 0; i < 10'000; ++i) {
            const u64 ticks = random() >> (random() % 64);
            ASSERT_EQ(ticks_to_nanoseconds(ticks, frequency), by_wide_product(ticks, frequency))
                << ticks << " at " << frequency;
        }
    }
}

TEST(TickConversionTest, NeverGoesBack)
{
    u64 last = 0;
    for (u64 ticks = 62'499'000; ticks < 62'501'000; ++ticks) {
        const u64 now = ticks_to_nanoseconds(ticks, 62'500'000);
        EXPECT_GE(now, last);
        last = now;
    }
}

} // namespace
} // namespace percival
