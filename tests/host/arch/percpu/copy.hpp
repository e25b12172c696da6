// SPDX-License-Identifier: BSD-2-Clause
// This CPU's copy of a percpu variable, on the host.
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Returns this CPU's copy of the variable at a local address.
template <class T>
T* this_cpu_copy(T* local)
{
    return reinterpret_cast<T*>(reinterpret_cast<u64>(local) + read_this_cpu_distance());
}

} // namespace percival::arch
