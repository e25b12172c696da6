// SPDX-License-Identifier: BSD-2-Clause
// Rewrites the instructions that name a register of EL1 (arch/cpu/level_site.hpp) for a kernel at EL2.
#pragma once

#include "arch/cpu/level_site.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// When an instruction has to be replaced.
enum class LevelCondition : u32 {
    AtEl2 = PERCIVAL_AT_EL2,
    WithPhysicalTimer = PERCIVAL_WITH_PHYSICAL_TIMER,
};

// Replaces the instructions with this condition. The distance goes from TPIDR_EL1 to TPIDR_EL2 with them.
// Boot CPU, once for each condition, at EL2, before it starts other CPUs. Interrupts masked.
void patch_level_sites(LevelCondition condition);

} // namespace percival::arch
