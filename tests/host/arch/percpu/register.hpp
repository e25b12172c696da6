// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/percpu/register.hpp: there is one CPU, whose copy is at the local address
// itself. A test may play another one.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

inline u64 played_distance{0};

inline u64 read_this_cpu_distance()
{
    return played_distance;
}

// While it lives, nothing comes between the accesses of an operation. There is nothing here that could.
struct OneStep {};

} // namespace percival::arch
