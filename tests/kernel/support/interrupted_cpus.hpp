// SPDX-License-Identifier: BSD-2-Clause
// How many CPUs a test interrupts at a high rate, and how often. Both are limited because an emulator serves
// the timers of all CPUs one after the other, from one of its threads.
#pragma once

#include "kernel/cpus/online.hpp"

#include <algorithm>

namespace percival {

// CPUs from this number on are not interrupted.
inline constexpr u32 kInterruptedCpus = 8;

// Returns the number of interrupts for each of these CPUs.
inline u64 interrupts_each()
{
    return 1000 / std::min(online_cpu_count(), kInterruptedCpus);
}

} // namespace percival
