// SPDX-License-Identifier: BSD-2-Clause
// Overflows a kernel stack.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// The compiler cannot turn this into a loop: each call uses its buffer after the next call, and the end of
// the recursion is unknown to it.
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
