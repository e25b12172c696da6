// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/percpu/register.hpp: the copies of percpu variables lie behind the program.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel_machine/support/aside.hpp"

namespace percival::testing {

inline constexpr u32 kCopyShift = 36;

// Returns the distance from a percpu variable to the copy of CPU number `cpu`.
constexpr u64 copy_distance(u32 cpu)
{
    return (u64{cpu} + 1) << kCopyShift;
}

} // namespace percival::testing

namespace percival::arch {

// Every this_cpu operation begins with it (support/percpu_text.cpp).
u64 read_this_cpu_distance();
void set_this_cpu_distance(u64 distance);

// While it lives, the thread stays on the CPU whose copy the operation has found.
using OneStep = testing::Aside;

} // namespace percival::arch
