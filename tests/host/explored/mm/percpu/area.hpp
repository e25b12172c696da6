// SPDX-License-Identifier: BSD-2-Clause
// The version of mm/percpu/area.hpp for CPUs that the explorer interleaves.
#pragma once

#include "arch/percpu/register.hpp"
#include "explored/support/explored_kernel.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

inline CpuId this_cpu_id()
{
    return CpuId{testing::explored->machine.executing()};
}

inline u32 possible_cpu_count()
{
    return testing::explored->cpu_count;
}

} // namespace percival
