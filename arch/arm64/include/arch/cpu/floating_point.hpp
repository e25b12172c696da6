// SPDX-License-Identifier: BSD-2-Clause
// Floating-point and SIMD instructions: the kernel uses general registers only, and these instructions trap.
// Library code (libfdt) may contain them and runs within a FloatingPointWindow. The window saves no
// registers, so it is for boot only, with one CPU and no interrupt handler that uses FP.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

struct Cpacr {
    PERCIVAL_SYSTEM_REGISTER(Cpacr, "cpacr_el1")
    using FpEn = Field<21, 20>; // 0: trapped at EL1 and EL0, 3: not trapped
};

// Lets this CPU execute FP and SIMD instructions.
inline void allow_floating_point()
{
    Cpacr{}.with<Cpacr::FpEn>(3).write();
    isb();
}

// Makes FP and SIMD instructions trap on this CPU.
inline void trap_floating_point()
{
    Cpacr{}.write();
    isb();
}

// Allows FP and SIMD instructions for its lifetime.
class FloatingPointWindow {
public:
    FloatingPointWindow() { allow_floating_point(); }
    ~FloatingPointWindow() { trap_floating_point(); }
    FloatingPointWindow(const FloatingPointWindow&) = delete;
    FloatingPointWindow& operator=(const FloatingPointWindow&) = delete;
};

} // namespace percival::arch
