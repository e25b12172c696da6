// SPDX-License-Identifier: BSD-2-Clause
// Which CPU this is, as the hardware says it: usable before and without per-CPU data. The value is an
// identity only as long as the caller cannot migrate. Any context.
#pragma once

#include "arch/cpu/id_registers.hpp"

namespace percival::arch {

inline u64 affinity()
{
    return Mpidr::read().affinity();
}

} // namespace percival::arch
