// SPDX-License-Identifier: BSD-2-Clause
// Loads and stores of this CPU's copy of a variable. Each is one LDR or STR, so it is single-copy atomic (Arm
// ARM B2.2.1), in the form that was chosen at boot (arch/percpu_modes/alternatives.hpp). Any context.
//
// The caller names a variable by a pointer or, if it is static, by a template argument. The instruction then
// contains the low part of a static variable's address, and ADRP makes the rest. With a pointer the whole
// address is in a register, because the compiler cannot tell an asm statement which part of it to take.
//
// In a build of several modes:
//
//                  instructions for one load,      instructions per load in a loop,
//                  in local mode                   in local, restart, fixup and guarded mode
//      by pointer  adrp, add, ldr                  1, 1, 8, 13
//      static      adrp, ldr                       1, 4, 9, 14
//
// In a build of one mode both are alike (arch/percpu/in_line.hpp).
#pragma once

#include "arch/percpu/code.hpp"
#include "arch/percpu/shadow.hpp"
#include "arch/percpu/width.hpp"

namespace percival::arch {

// Expands to the operands after a comma, if there are any.
#define PERCIVAL_ALSO(...) __VA_OPT__(, ) __VA_ARGS__

#define PERCIVAL_LOAD(at, sz, r) "ldr" sz " %" r "[value], " at "\n8:\n"
#define PERCIVAL_STORE(at, sz, r) "str" sz " %" r "[value], " at "\n8:\n"

// Returns this CPU's copy of the variable at the local address `target`.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_load(const T* target)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Load};
    T value;
    [[maybe_unused]] PercpuScratch scratch;
#define PERCIVAL_ASM(sz, r)                                                                            \
    asm volatile(PERCIVAL_PERCPU_ACCESS(PERCIVAL_LOAD, sz, r)                                          \
                 : [value] PERCIVAL_PERCPU_RESULT(value) PERCIVAL_ALSO(PERCIVAL_PERCPU_ACCESS_SCRATCH) \
                 : [memory] "Q"(*target), PERCIVAL_PERCPU_ADDRESS(target))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
    return value;
}

// Stores `value` to this CPU's copy of the variable at the local address `target`.
template <PercpuWord T>
[[gnu::always_inline]] inline void percpu_store(T* target, T value)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Store};
    [[maybe_unused]] PercpuScratch scratch;
#define PERCIVAL_ASM(sz, r)                                                            \
    asm volatile(PERCIVAL_PERCPU_ACCESS(PERCIVAL_STORE, sz, r)                         \
                 : [memory] "=Q"(*target)PERCIVAL_ALSO(PERCIVAL_PERCPU_ACCESS_SCRATCH) \
                 : [value] "r"(value), PERCIVAL_PERCPU_ADDRESS(target))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
}

// Returns the address of a static variable's page. The assembly is not volatile, so that a loop with several
// operations computes the page once.
template <auto& Variable>
[[gnu::always_inline]] inline u64 percpu_page()
{
    u64 page;
    asm("adrp %0, %1" : "=r"(page) : "S"(&Variable));
    return page;
}

// Returns this CPU's copy of a static variable.
template <PercpuWord T, auto& Variable>
[[gnu::always_inline]] inline T percpu_load()
{
    const ShadowedOperation shadowed{&Variable, sizeof(T), PercpuAccess::Load};
    T value;
    [[maybe_unused]] PercpuScratch scratch;
#define PERCIVAL_ASM(sz, r)                                                                            \
    asm volatile(PERCIVAL_PERCPU_STATIC_ACCESS(PERCIVAL_LOAD, sz, r)                                   \
                 : [value] PERCIVAL_PERCPU_RESULT(value) PERCIVAL_ALSO(PERCIVAL_PERCPU_ACCESS_SCRATCH) \
                 : PERCIVAL_PERCPU_STATIC_OPERANDS)
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
    return value;
}

// Stores `value` to this CPU's copy of a static variable.
template <PercpuWord T, auto& Variable>
[[gnu::always_inline]] inline void percpu_store(T value)
{
    const ShadowedOperation shadowed{&Variable, sizeof(T), PercpuAccess::Store};
    [[maybe_unused]] PercpuScratch scratch;
#define PERCIVAL_ASM(sz, r)                                           \
    asm volatile(PERCIVAL_PERCPU_STATIC_ACCESS(PERCIVAL_STORE, sz, r) \
                 : PERCIVAL_PERCPU_ACCESS_SCRATCH                     \
                 : [value] "r"(value), PERCIVAL_PERCPU_STATIC_OPERANDS)
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
}

} // namespace percival::arch
