// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of arch/percpu/register.hpp.
#pragma once

#include "memory_order/support/order_explorer.hpp"
#include "memory_order/support/static_memory.hpp"

namespace percival::arch {

inline u64 read_this_cpu_distance()
{
    return testing::copy_distance(testing::order_explorer().executing());
}

// While it lives, nothing comes between the accesses of an operation. To the explorer an atomic is one step.
struct OneStep {};

} // namespace percival::arch
