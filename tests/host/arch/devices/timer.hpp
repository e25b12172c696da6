// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/devices/timer.hpp: only the clock.
#pragma once

#include "kernel/lib/types.hpp"

#include <chrono>

namespace percival::arch {

inline u64 timer_ticks()
{
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<u64>(since / std::chrono::nanoseconds{1});
}

inline u64 timer_frequency()
{
    return 1'000'000'000;
}

} // namespace percival::arch
