// SPDX-License-Identifier: BSD-2-Clause
// The kernel uses general registers only; FP and SIMD instructions trap. Library code (libfdt) may contain
// them, and runs within a FloatingPointWindow. Registers are not saved: boot only, one CPU, no interrupts
// that use FP either.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

struct Cpacr {
    PERCIVAL_SYSTEM_REGISTER(Cpacr, "cpacr_el1")
    using FpEn = Field<21, 20>; // 0: trapped at EL1 and EL0, 3: not trapped
};

inline void allow_floating_point()
{
    Cpacr{}.with<Cpacr::FpEn>(3).write();
    isb();
}

inline void trap_floating_point()
{
    Cpacr{}.write();
    isb();
}

class FloatingPointWindow {
public:
    FloatingPointWindow() { allow_floating_point(); }
    ~FloatingPointWindow() { trap_floating_point(); }
    FloatingPointWindow(const FloatingPointWindow&) = delete;
    FloatingPointWindow& operator=(const FloatingPointWindow&) = delete;
};

} // namespace percival::arch
