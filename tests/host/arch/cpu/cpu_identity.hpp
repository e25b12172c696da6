// SPDX-License-Identifier: BSD-2-Clause
// The host's arch/cpu/cpu_identity.hpp: a thread says which CPU it plays.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

inline thread_local u64 played_affinity = 0;

inline u64 affinity()
{
    return played_affinity;
}

} // namespace percival::arch
