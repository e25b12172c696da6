// SPDX-License-Identifier: BSD-2-Clause
// Which CPU this is, as the hardware says it: usable before and without per-CPU data. The value is an
// identity only as long as the caller cannot migrate. Any context.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// Aff3.Aff2.Aff1.Aff0 in the places MPIDR_EL1 has them; the other bits (MT, U) are no part of a CPU's name.
inline constexpr u64 kAffinityMask = 0xff'00ff'ffff;

inline u64 affinity()
{
    u64 mpidr;
    asm volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
    return mpidr & kAffinityMask;
}

} // namespace percival::arch
