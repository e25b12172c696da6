// SPDX-License-Identifier: BSD-2-Clause
// A register that belongs to the CPU, not to the thread: x18 holds what TPIDR_EL1 holds, the distance from a
// local address to this CPU's global one. Restart and guarded mode use it without an MRS, and a load or store
// by it is one instruction (arch/percpu/site.hpp).
//
// INV-percpu_register-1: nothing is compiled to use x18 (-ffixed-x18; AAPCS64 6.1.1, the platform register;
//                        firmware keeps it, SMCCC 2.6). It is set where TPIDR_EL1 is: on the way in
//                        (boot/start.S) and by set_this_cpu_distance().
// INV-percpu_register-2: no exception return and no switch of threads restores it: a thread that comes back
//                        on another CPU finds that CPU's.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// The sum that turns a local address into this CPU's global one; 0 before the CPU has percpu data. It only
// means something while the caller cannot migrate. Volatile, so that it stays behind what stopped migration:
// nothing but their both being volatile orders it after an interrupt mask.
inline u64 read_this_cpu_distance()
{
    u64 distance;
    asm volatile("mrs %0, tpidr_el1" : "=r"(distance));
    return distance;
}

inline void set_this_cpu_distance(u64 distance)
{
    asm volatile("msr tpidr_el1, %0\n"
                 "mov x18, %0"
                 :
                 : "r"(distance)
                 : "memory");
}

} // namespace percival::arch
