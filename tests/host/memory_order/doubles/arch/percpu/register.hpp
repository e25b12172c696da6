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

// Returns this CPU's copy of the variable at a local address.
template <class T>
T* this_cpu_copy(T* local)
{
    return reinterpret_cast<T*>(reinterpret_cast<u64>(local) + read_this_cpu_distance());
}

} // namespace percival::arch
