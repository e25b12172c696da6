// SPDX-License-Identifier: BSD-2-Clause
// The exception level of the calling CPU. All CPUs of a running kernel are at one level: EL1, or EL2 with
// HCR_EL2.{E2H,TGE} = {1,1} (FEAT_VHE). Any context, also with the MMU off.
//
// At EL2 the names of most registers of EL1 stand for those of EL2, and TLBI and AT instructions of EL1 act
// on the EL2&0 translation regime (Arm ARM D8.1.2; D24.2, field E2H of HCR_EL2 and the accessor text of each
// register). So most code is the same at both levels. docs/architecture.md lists the registers; what differs
// is patched at boot (arch/cpu/level_site.hpp).
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// Returns 1, 2 or 3.
inline u64 exception_level()
{
    u64 level;
    asm("mrs %0, currentel" : "=r"(level));
    return level >> 2 & 3;
}

inline bool runs_at_el2()
{
    return exception_level() == 2;
}

} // namespace percival::arch
