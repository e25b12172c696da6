// SPDX-License-Identifier: BSD-2-Clause
// Loads and stores of this CPU's copy: single-copy atomic, one LDR or STR each (Arm ARM B2.2.1), in the form
// that was chosen at boot (arch/percpu_modes/alternatives.hpp).
//
// A variable is named by a pointer or, if it is static, as what it is where this is compiled: the instruction
// then takes the lower part of the address itself, and ADRP makes the rest. Behind a pointer the address is
// whole in a register, since the compiler cannot say which part of it an asm statement may take.
//
//                          from nothing, local     in a loop: local, restart, guarded
//      by pointer          adrp, add, ldr          1, 1, 13
//      static              adrp, ldr               1, 4, 14
#pragma once

#include "arch/percpu/site.hpp"
#include "arch/percpu/width.hpp"

namespace percival::arch {

#define PERCIVAL_LOAD(at, sz, r) "ldr" sz " %" r "[value], " at "\n8:\n"
#define PERCIVAL_STORE(at, sz, r) "str" sz " %" r "[value], " at "\n8:\n"

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_load(const T* target)
{
    T value;
    u32 scratch;
    u64 global;
#define PERCIVAL_ASM(sz, r)                                     \
    asm volatile(PERCIVAL_PERCPU_ACCESS(PERCIVAL_LOAD, sz, r)   \
                 : [value] "=r"(value), PERCIVAL_PERCPU_SCRATCH \
                 : [memory] "Q"(*target), [address] "r"(target))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
    return value;
}

template <PercpuWord T>
[[gnu::always_inline]] inline void percpu_store(T* target, T value)
{
    u32 scratch;
    u64 global;
#define PERCIVAL_ASM(sz, r)                                        \
    asm volatile(PERCIVAL_PERCPU_ACCESS(PERCIVAL_STORE, sz, r)     \
                 : PERCIVAL_PERCPU_SCRATCH, [memory] "=Q"(*target) \
                 : [value] "r"(value), [address] "r"(target))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
}

// Where a static variable's page is: the same in each of its operations, so that a loop needs it once.
template <auto& Variable>
[[gnu::always_inline]] inline u64 percpu_page()
{
    u64 page;
    asm("adrp %0, %1" : "=r"(page) : "S"(&Variable));
    return page;
}

template <PercpuWord T, auto& Variable>
[[gnu::always_inline]] inline T percpu_load()
{
    T value;
    u32 scratch;
    u64 global;
#define PERCIVAL_ASM(sz, r)                                          \
    asm volatile(PERCIVAL_PERCPU_STATIC_ACCESS(PERCIVAL_LOAD, sz, r) \
                 : [value] "=r"(value), PERCIVAL_PERCPU_SCRATCH      \
                 : [page] "r"(percpu_page<Variable>()), [symbol] "S"(&Variable))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
    return value;
}

template <PercpuWord T, auto& Variable>
[[gnu::always_inline]] inline void percpu_store(T value)
{
    u32 scratch;
    u64 global;
#define PERCIVAL_ASM(sz, r)                                           \
    asm volatile(PERCIVAL_PERCPU_STATIC_ACCESS(PERCIVAL_STORE, sz, r) \
                 : PERCIVAL_PERCPU_SCRATCH                            \
                 : [value] "r"(value), [page] "r"(percpu_page<Variable>()), [symbol] "S"(&Variable))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
}

} // namespace percival::arch
