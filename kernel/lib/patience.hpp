// SPDX-License-Identifier: BSD-2-Clause
// Time limits. A wait that needs other CPUs to run takes longer on an emulator, which runs all CPUs on the
// few that its host has. The kernel cannot know how many these are.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Up to so many CPUs a time limit is as long as for one.
inline constexpr u32 kCpusOfBaseLimit = 8;

// Returns the time limit on a machine of `cpus` CPUs for what may take `seconds` on a machine of up to 8:
// with more, it grows in proportion. It is 20 times as long on 160 CPUs and 64 times as long on 512.
constexpr u64 patient_seconds(u32 seconds, u32 cpus)
{
    return u64{seconds} * (cpus > kCpusOfBaseLimit ? cpus : kCpusOfBaseLimit) / kCpusOfBaseLimit;
}

static_assert(patient_seconds(30, 1) == 30);
static_assert(patient_seconds(30, 8) == 30);
static_assert(patient_seconds(30, 160) == 600);
static_assert(patient_seconds(30, 512) == 1920);
static_assert(patient_seconds(0, 512) == 0);

} // namespace percival
