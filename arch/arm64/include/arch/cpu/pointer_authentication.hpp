// SPDX-License-Identifier: BSD-2-Clause
// Return address signing (FEAT_PAuth). All CPUs use one kernel key (boot/pointer_authentication.hpp), so a
// thread may enter a function on one CPU and return from it on another. Any context.
#pragma once

#include "arch/cpu/id_registers.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

// Returns whether this CPU has FEAT_PAuth.
inline bool has_pointer_authentication()
{
    return has_pointer_authentication(IdAa64Isar1::read(), IdAa64Isar2::read());
}

// Returns a code address without its pointer authentication code.
inline VirtAddr strip_pointer_authentication(VirtAddr code)
{
    u64 raw = code.raw();
    // hint #7 is XPACLRI, which does nothing before Armv8.3. It works on x30 only.
    asm("mov x30, %0; hint #7; mov %0, x30" : "+r"(raw) : : "x30");
    return VirtAddr{raw};
}

} // namespace percival::arch
