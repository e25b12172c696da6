// SPDX-License-Identifier: BSD-2-Clause
// Converts between clock ticks and nanoseconds. Any context, also on the host.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Rounds down. Every count is converted exactly: a frequency has 32 bits, so the product of the remainder
// stays below 2^62, and the sum wraps only after 584 years. There is no 128-bit division, which would need a
// library.
constexpr u64 ticks_to_nanoseconds(u64 ticks, u32 frequency)
{
    constexpr u64 kPerSecond = 1'000'000'000;
    return ticks / frequency * kPerSecond + ticks % frequency * kPerSecond / frequency;
}

// Rounds up, so that a wait for the result is never too short. Correct for up to 584 years.
constexpr u64 nanoseconds_to_ticks(u64 nanoseconds, u32 frequency)
{
    constexpr u64 kPerSecond = 1'000'000'000;
    return nanoseconds / kPerSecond * frequency +
           (nanoseconds % kPerSecond * frequency + kPerSecond - 1) / kPerSecond;
}

static_assert(ticks_to_nanoseconds(62'500'000, 62'500'000) == 1'000'000'000);
static_assert(ticks_to_nanoseconds(1, 62'500'000) == 16);
static_assert(nanoseconds_to_ticks(1'000'000'000, 62'500'000) == 62'500'000);
static_assert(nanoseconds_to_ticks(17, 62'500'000) == 2);
static_assert(nanoseconds_to_ticks(0, 62'500'000) == 0);
// A year at 1 GHz, for which a plain 64-bit product of ticks and 10^9 would have wrapped long ago.
static_assert(ticks_to_nanoseconds(31'536'000'000'000'000, 1'000'000'000) == 31'536'000'000'000'000);
static_assert(ticks_to_nanoseconds(u64{0xffff'ffff} - 1, 0xffff'ffff) == 999'999'999);

} // namespace percival
