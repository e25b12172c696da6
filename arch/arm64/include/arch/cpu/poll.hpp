// SPDX-License-Identifier: BSD-2-Clause
// Waiting for a device with an end to it: a device that never answers must not hang the boot without a word.
// Any context, before there is a clock too, which is why the limit is a count.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// A read of a device register takes some 50 ns or more, so this is at least 50 ms.
inline constexpr u32 kPollLimit = 1'000'000;

// Whether `done()` became true.
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
