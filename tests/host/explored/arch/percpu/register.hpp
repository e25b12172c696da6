// SPDX-License-Identifier: BSD-2-Clause
// The version of arch/percpu/register.hpp for CPUs that the explorer interleaves. It only says that there is
// percpu data.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

inline u64 read_this_cpu_distance()
{
    return 1;
}

} // namespace percival::arch
