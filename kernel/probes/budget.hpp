// SPDX-License-Identifier: BSD-2-Clause
// How often a shape is tried: a number of times, or as often as a time allows. Any context, also on the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <algorithm>

namespace percival {

struct TryBudget {
    // Tries whatever time they take. A slow emulator makes no more than these.
    static constexpr u64 kLeast = 10;

    u64 tries; // 0: as many as `ticks` allow
    u64 ticks; // of the timer

    // Returns the budget of one of `parts` equal parts.
    constexpr TryBudget divided_by(u64 parts) const
    {
        return {tries == 0 ? 0 : std::max<u64>(tries / parts, 1), ticks / parts};
    }

    // Returns whether another try is made after `made` tries in `passed` ticks.
    constexpr bool allows(u64 made, u64 passed) const
    {
        return tries != 0 ? made < tries : made < kLeast || passed < ticks;
    }
};

} // namespace percival
