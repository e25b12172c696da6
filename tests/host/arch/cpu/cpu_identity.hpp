// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/cpu_identity.hpp: each thread sets which CPU it represents.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

inline thread_local u64 played_affinity = 0;

inline u64 affinity()
{
    return played_affinity;
}

} // namespace percival::arch
