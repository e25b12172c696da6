// SPDX-License-Identifier: BSD-2-Clause
// Adds 1 to memory by each of the instructions that can, so that kernel/percpu/add_form.hpp can measure them.
// LDADD and STADD need FEAT_LSE. Any context.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

inline void add_by_ldadd(u64* target)
{
    u64 old;
    asm volatile(".arch_extension lse\n"
                 "ldadd %[one], %[old], %[target]"
                 : [old] "=r"(old), [target] "+Q"(*target)
                 : [one] "r"(u64{1}));
}

inline void add_by_stadd(u64* target)
{
    asm volatile(".arch_extension lse\n"
                 "stadd %[one], %[target]"
                 : [target] "+Q"(*target)
                 : [one] "r"(u64{1}));
}

inline void add_by_llsc(u64* target)
{
    u64 value;
    u32 failed;
    asm volatile("1: ldxr %[value], %[target]\n"
                 "add %[value], %[value], #1\n"
                 "stxr %w[failed], %[value], %[target]\n"
                 "cbnz %w[failed], 1b"
                 : [value] "=&r"(value), [failed] "=&r"(failed), [target] "+Q"(*target));
}

} // namespace percival::arch
