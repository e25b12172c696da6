// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/mmu/translation_registers.hpp: TTBR0_EL1, and the value of SCTLR_EL1 that
// turns the MMU off.
#pragma once

#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

struct Ttbr0 {
    PERCIVAL_SYSTEM_REGISTER(Ttbr0, "ttbr0_el1")
};

struct Sctlr {
    PERCIVAL_SYSTEM_REGISTER(Sctlr, "sctlr_el1")
    static constexpr Sctlr mmu_off() { return Sctlr{0x30d0'0800}; }
};

} // namespace percival::arch
