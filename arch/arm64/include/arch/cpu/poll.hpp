// SPDX-License-Identifier: BSD-2-Clause
// Waits for a device for a limited time: a device that never answers must not hang the boot silently. Any
// context. The limit is a count of reads, because the wait also works before there is a clock.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// A read of a device register takes about 50 ns or more, so this is at least 50 ms.
inline constexpr u32 kPollLimit = 1'000'000;

// Calls `done()` until it returns true, `limit` times at most. Returns whether it did.
template <class Predicate>
[[nodiscard]] bool poll_until(Predicate done, u32 limit = kPollLimit)
{
    for (u32 i = 0; i < limit; ++i) {
        if (done())
            return true;
        relax();
    }
    return false;
}

} // namespace percival::arch
