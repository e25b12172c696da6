// SPDX-License-Identifier: BSD-2-Clause
// The clock for programs without the timer's driver.
#include "arch/devices/timer.hpp"

#include <chrono>

namespace percival::arch {

u64 timer_ticks()
{
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<u64>(since / std::chrono::nanoseconds{1});
}

u64 timer_frequency()
{
    return 1'000'000'000;
}

} // namespace percival::arch
