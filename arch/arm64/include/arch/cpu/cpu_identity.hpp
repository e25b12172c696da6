// SPDX-License-Identifier: BSD-2-Clause
// The calling CPU's identity, as the hardware states it: usable before and without per-CPU data. Any context.
#pragma once

#include "arch/cpu/id_registers.hpp"

namespace percival::arch {

// Returns the affinity fields of this CPU's MPIDR. The value names the caller's CPU only as long as the
// caller cannot migrate.
inline u64 affinity()
{
    return Mpidr::read().affinity();
}

} // namespace percival::arch
