// SPDX-License-Identifier: BSD-2-Clause
// The this_cpu operations on a local address: one instruction each where the CPUs have FEAT_LSE, else one
// LL/SC sequence.
//
// The address is the same on every CPU and the MMU picks the copy when the instruction executes, so a
// migration falls before or after it, never within. An LL/SC sequence that is interrupted between its halves
// fails its store and starts over, on whatever CPU it is then: exception return clears the exclusive monitor
// (Arm ARM B2.12). All operations are relaxed: they order nothing else. They are volatile, because the value
// behind the address changes with a migration, which the compiler cannot see: a read must not be cached, nor
// moved out of a loop.
//
// The value-returning LDADD is used even where the old value is not wanted: STADD may be executed far from
// the core, which some cores make an order of magnitude slower.
//
// 1- and 2-byte operations use the sized forms, so that they leave their neighbours alone.
#pragma once

#include "arch/alternatives.hpp"

#include <type_traits>

namespace percival::arch {

template <class T>
concept PercpuWord =
    std::is_unsigned_v<T> && (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);

// Calls ASM(size suffix, register width, …) for the width of T.
#define PERCIVAL_FOR_WIDTH(T, ASM, ...)           \
    if constexpr (sizeof(T) == 1)                 \
        ASM("b", "w" __VA_OPT__(, ) __VA_ARGS__); \
    else if constexpr (sizeof(T) == 2)            \
        ASM("h", "w" __VA_OPT__(, ) __VA_ARGS__); \
    else if constexpr (sizeof(T) == 4)            \
        ASM("", "w" __VA_OPT__(, ) __VA_ARGS__);  \
    else                                          \
        ASM("", "x" __VA_OPT__(, ) __VA_ARGS__)

// old = *target; *target = old OP operand: `lse` is the atomic's mnemonic, `compute` that of OP on registers.
#define PERCIVAL_FETCH_OP(sz, r, lse, compute)                                                              \
    asm volatile(PERCIVAL_LSE_OR_LLSC(lse sz " %" r "[operand], %" r "[old], %[target]",                    \
                                      "4: ldxr" sz " %" r "[old], %[target]\n" compute " %" r "[next], %" r \
                                      "[old], %" r "[operand]\n"                                            \
                                      "stxr" sz " %w[failed], %" r "[next], %[target]\n"                    \
                                      "cbnz %w[failed], 4b")                                                \
                 : [old] "=&r"(old), [next] "=&r"(next), [failed] "=&r"(failed), [target] "+Q"(*target)     \
                 : [operand] "r"(operand))

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_add(T* target, T operand)
{
    T old, next;
    u32 failed;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldadd", "add");
    return old;
}

// Clears the bits that are set in `operand`.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_clear(T* target, T operand)
{
    T old, next;
    u32 failed;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldclr", "bic");
    return old;
}

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_set(T* target, T operand)
{
    T old, next;
    u32 failed;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldset", "orr");
    return old;
}

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_exchange(T* target, T operand)
{
    T old;
    u32 failed;
#define PERCIVAL_ASM(sz, r)                                                                 \
    asm volatile(PERCIVAL_LSE_OR_LLSC("swp" sz " %" r "[operand], %" r "[old], %[target]",  \
                                      "4: ldxr" sz " %" r "[old], %[target]\n"              \
                                      "stxr" sz " %w[failed], %" r "[operand], %[target]\n" \
                                      "cbnz %w[failed], 4b")                                \
                 : [old] "=&r"(old), [failed] "=&r"(failed), [target] "+Q"(*target)         \
                 : [operand] "r"(operand))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
    return old;
}

// Writes `desired` if the value is `expected`; returns the value found.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_compare_exchange(T* target, T expected, T desired)
{
    // CAS compares the register's low bits only; the LL/SC form compares it whole, so it must be
    // zero-extended.
    using Wide = std::conditional_t<sizeof(T) == 8, u64, u32>;
    Wide found = expected;
    Wide loaded;
    u32 failed;
#define PERCIVAL_ASM(sz, r)                                                                            \
    asm volatile(                                                                                      \
        PERCIVAL_LSE_OR_LLSC("cas" sz " %" r "[found], %" r "[desired], %[target]",                    \
                             "4: ldxr" sz " %" r "[loaded], %[target]\n"                               \
                             "cmp %" r "[loaded], %" r "[found]\n"                                     \
                             "b.ne 5f\n"                                                               \
                             "stxr" sz " %w[failed], %" r "[desired], %[target]\n"                     \
                             "cbnz %w[failed], 4b\n"                                                   \
                             "5: mov %" r "[found], %" r "[loaded]")                                   \
        : [found] "+&r"(found), [loaded] "=&r"(loaded), [failed] "=&r"(failed), [target] "+Q"(*target) \
        : [desired] "r"(desired)                                                                       \
        : "cc")
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
    return static_cast<T>(found);
}

#undef PERCIVAL_FETCH_OP
#undef PERCIVAL_FOR_WIDTH

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
    asm volatile("msr tpidr_el1, %0" : : "r"(distance) : "memory");
}

// A single-copy atomic load or store: one LDR or STR (Arm ARM B2.2.1).
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_load(const T* target)
{
    return *static_cast<const volatile T*>(target);
}

template <PercpuWord T>
[[gnu::always_inline]] inline void percpu_store(T* target, T value)
{
    *static_cast<volatile T*>(target) = value;
}

} // namespace percival::arch
