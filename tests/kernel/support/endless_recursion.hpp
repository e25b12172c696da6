// SPDX-License-Identifier: BSD-2-Clause
// Runs a kernel stack over its end.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// The compiler can make no loop of this: each call's buffer is in use while the next one runs, and the end is
// out of its sight.
[[gnu::noinline]] inline u32 recurse_until(u32 depth, const volatile u32& last_depth)
{
    volatile u32 buffer[32]{};
    buffer[depth % 32] = depth;
    if (depth == last_depth)
        return 0;
    return recurse_until(depth + 1, last_depth) + buffer[depth % 32];
}

inline void recurse_endlessly()
{
    const volatile u32 never = ~u32{0};
    static_cast<void>(recurse_until(0, never));
}

} // namespace percival
