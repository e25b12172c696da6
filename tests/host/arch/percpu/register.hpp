// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/percpu/register.hpp: there is one CPU, whose copy is at the local address
// itself.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

inline u64 read_this_cpu_distance()
{
    return 0;
}

// Returns this CPU's copy of the variable at a local address.
template <class T>
T* this_cpu_copy(T* local)
{
    return local;
}

} // namespace percival::arch
