// SPDX-License-Identifier: BSD-2-Clause
// The percpu register: x18 belongs to the CPU, not to the thread. It holds the same value as TPIDR_EL1, or as
// TPIDR_EL2 at EL2 (arch/cpu/level_site.hpp): the distance from a local address to this CPU's global address.
// Restart and guarded mode use it without an MRS, and a load or store with it as base is one instruction
// (arch/percpu/site.hpp).
//
// A build of fixup or guarded mode alone (arch/percpu/in_line.hpp) reads TPIDR, and has no percpu
// register: PERCIVAL_FREE_X18 leaves x18 to the compiler, and to the thread.
//
// INV-percpu_register-1: no compiled code uses x18 (-ffixed-x18; AAPCS64 6.1.1, the platform register), and
//                        firmware preserves it (SMCCC 2.6). boot/start.S, when a CPU enters the kernel, and
//                        set_this_cpu_distance() set x18 and TPIDR together.
// INV-percpu_register-2: no exception return and no context switch restores x18, so a thread that continues
//                        on another CPU finds that CPU's value.
#pragma once

#include "arch/cpu/level_site.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Returns the distance to add to a local address to get this CPU's global address; 0 before the CPU has
// percpu data. The value means something only while the caller cannot migrate. The assembly is volatile to
// stay after the statement that stopped migration: the compiler keeps it after an interrupt mask only because
// both are volatile.
inline u64 read_this_cpu_distance()
{
    u64 distance;
    asm volatile(PERCIVAL_READ_DISTANCE("%0") : "=r"(distance));
    return distance;
}

// Sets the distance of this CPU in its registers, before the CPU first uses its percpu data.
inline void set_this_cpu_distance(u64 distance)
{
    asm volatile(PERCIVAL_WRITE_DISTANCE("%0")
#ifndef PERCIVAL_FREE_X18
                     "mov x18, %0"
#endif
                 :
                 : "r"(distance)
                 : "memory");
}

} // namespace percival::arch
