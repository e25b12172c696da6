// SPDX-License-Identifier: BSD-2-Clause
// How many CPUs a test interrupts at a high rate, and how often: an emulator serves the timers of all CPUs one after the
// other, from one thread among those of its CPUs.
#pragma once

#include "kernel/cpus/online.hpp"

#include <algorithm>

namespace percival {

// CPUs from this number on are left alone.
inline constexpr u32 kInterruptedCpus = 8;

// Interrupts for each of them.
inline u64 interrupts_each()
{
    return 1000 / std::min(online_cpu_count(), kInterruptedCpus);
}

} // namespace percival
