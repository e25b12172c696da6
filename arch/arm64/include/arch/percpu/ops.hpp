// SPDX-License-Identifier: BSD-2-Clause
// The this_cpu operations on a local address, in the form that was chosen at boot
// (arch/percpu_modes/alternatives.hpp). In local mode each is one instruction on that address where the CPUs
// have FEAT_LSE, else one LL/SC sequence.
//
// The local address is the same on every CPU and the MMU picks the copy when the instruction executes, so a
// migration falls before or after it, never within. An LL/SC sequence that is interrupted between its halves
// fails its store and starts over, on whatever CPU it is then: exception return clears the exclusive monitor
// (Arm ARM B2.12). All operations but percpu_compare_exchange_release() are relaxed: they order nothing else,
// so none of them may publish a pointer that another CPU follows. They are volatile, because the value behind
// the address changes with a migration, which the compiler cannot see: a read must not be cached, nor moved
// out of a loop.
//
// 1- and 2-byte operations use the sized forms, so that they leave their neighbours alone.
#pragma once

#include "arch/percpu/site.hpp"
#include "arch/percpu/width.hpp"

#include <type_traits>

namespace percival::arch {

// Two words that are one for compare-exchange.
struct alignas(16) PercpuPair {
    u64 low;
    u64 high;
    friend constexpr bool operator==(const PercpuPair&, const PercpuPair&) = default;
};

// old = *target; *target = old OP operand: `lse` is the atomic's mnemonic, `compute` that of OP on registers.
#define PERCIVAL_FETCH_LSE(at, sz, r, lse, compute) lse sz " %" r "[operand], %" r "[old], " at "\n8:\n"
#define PERCIVAL_FETCH_LLSC(at, sz, r, lse, compute)                                           \
    "ldxr" sz " %" r "[old], " at "\n" compute " %" r "[next], %" r "[old], %" r "[operand]\n" \
    "stxr" sz " %w[scratch], %" r "[next], " at "\n8:\n"                                       \
    "cbnz %w[scratch], 4b\n"
#define PERCIVAL_FETCH_OP(sz, r, lse, compute)                                                             \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_FETCH_LSE, PERCIVAL_FETCH_LLSC, sz, r, lse, compute) \
                 : [old] "=&r"(old), [next] "=&r"(next), PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)   \
                 : [operand] "r"(operand), [address] "r"(target))

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_add(T* target, T operand)
{
    T old, next;
    u32 scratch;
    u64 global;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldadd", "add");
    return old;
}

// The same where nobody wants the old value. LDADD all the same unless measured otherwise
// (arch/percpu_modes/alternatives.hpp): STADD may be executed far from the core, which some cores make an
// order of magnitude slower. One register less: this is the operation of which functions have many.
#define PERCIVAL_ADD_LLSC(at, sz, r)                    \
    "ldxr" sz " %" r "[old], " at "\n"                  \
    "add %" r "[old], %" r "[old], %" r "[operand]\n"   \
    "stxr" sz " %w[scratch], %" r "[old], " at "\n8:\n" \
    "cbnz %w[scratch], 4b\n"
#define PERCIVAL_ADD_LSE(at, sz, r) PERCIVAL_FETCH_LSE(at, sz, r, "ldadd", "")
template <PercpuWord T>
[[gnu::always_inline]] inline void percpu_add(T* target, T operand)
{
    T old;
    u32 scratch;
    u64 global;
#define PERCIVAL_ASM(sz, r)                                                              \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("1", PERCIVAL_ADD_LSE, PERCIVAL_ADD_LLSC, sz, r) \
                 : [old] "=&r"(old), PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)     \
                 : [operand] "r"(operand), [address] "r"(target))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
}

// Clears the bits that are set in `operand`.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_clear(T* target, T operand)
{
    T old, next;
    u32 scratch;
    u64 global;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldclr", "bic");
    return old;
}

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_set(T* target, T operand)
{
    T old, next;
    u32 scratch;
    u64 global;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldset", "orr");
    return old;
}

#define PERCIVAL_SWAP_LSE(at, sz, r) "swp" sz " %" r "[operand], %" r "[old], " at "\n8:\n"
#define PERCIVAL_SWAP_LLSC(at, sz, r)                       \
    "ldxr" sz " %" r "[old], " at "\n"                      \
    "stxr" sz " %w[scratch], %" r "[operand], " at "\n8:\n" \
    "cbnz %w[scratch], 4b\n"

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_exchange(T* target, T operand)
{
    T old;
    u32 scratch;
    u64 global;
#define PERCIVAL_ASM(sz, r)                                                                \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_SWAP_LSE, PERCIVAL_SWAP_LLSC, sz, r) \
                 : [old] "=&r"(old), PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)       \
                 : [operand] "r"(operand), [address] "r"(target))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
    return old;
}

// `order` is "" (relaxed) or "l" (release: CASL, STLXR).
#define PERCIVAL_CAS_LSE(at, sz, r, order) "cas" order sz " %" r "[found], %" r "[desired], " at "\n8:\n"
#define PERCIVAL_CAS_LLSC(at, sz, r, order)                          \
    "ldxr" sz " %" r "[loaded], " at "\n"                            \
    "cmp %" r "[loaded], %" r "[found]\n"                            \
    "b.ne 5f\n"                                                      \
    "st" order "xr" sz " %w[scratch], %" r "[desired], " at "\n8:\n" \
    "cbnz %w[scratch], 4b\n"                                         \
    "5: mov %" r "[found], %" r "[loaded]\n"

enum class PercpuOrder : u8 { Relaxed, Release };

// Writes `desired` if the value is `expected`; returns the value found. With Release, everything the CPU
// wrote before is visible to whoever acquires the value that was written, and the compiler keeps it in front
// ("memory").
template <PercpuOrder Order, PercpuWord T>
[[gnu::always_inline]] inline T percpu_compare_exchange_ordered(T* target, T expected, T desired)
{
    // CAS compares the register's low bits only; the LL/SC form compares it whole, so it must be
    // zero-extended.
    using Wide = std::conditional_t<sizeof(T) == 8, u64, u32>;
    Wide found = expected;
    Wide loaded;
    u32 scratch;
    u64 global;
#define PERCIVAL_ASM(sz, r, order, ...)                                                         \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_CAS_LSE, PERCIVAL_CAS_LLSC, sz, r, order) \
                 : [found] "+&r"(found), [loaded] "=&r"(loaded),                                \
                   PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)                              \
                 : [desired] "r"(desired), [address] "r"(target)                                \
                 : "cc" __VA_OPT__(, ) __VA_ARGS__)
    if constexpr (Order == PercpuOrder::Release) {
        PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM, "l", "memory");
    } else {
        PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM, "");
    }
#undef PERCIVAL_ASM
    return static_cast<T>(found);
}

template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_compare_exchange(T* target, T expected, T desired)
{
    return percpu_compare_exchange_ordered<PercpuOrder::Relaxed>(target, expected, desired);
}

// The form that publishes.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_compare_exchange_release(T* target, T expected, T desired)
{
    return percpu_compare_exchange_ordered<PercpuOrder::Release>(target, expected, desired);
}

// CASP takes pairs of registers of which the first is even, so they are named. LDXP alone is two loads; only
// the success of its STXP says that they were one (Arm ARM B2.9.5), so a mismatch stores what it found.
#define PERCIVAL_PAIR_LSE(at, unused) "casp x0, x1, x2, x3, " at "\n8:\n"
#define PERCIVAL_PAIR_LLSC(at, unused)               \
    "ldxp %[low], %[high], " at "\n"                 \
    "cmp %[low], x0\n"                               \
    "ccmp %[high], x1, #0, eq\n"                     \
    "b.ne 5f\n"                                      \
    "stxp %w[scratch], x2, x3, " at "\n8:\n"         \
    "cbnz %w[scratch], 4b\n"                         \
    "b 7f\n"                                         \
    "5: stxp %w[scratch], %[low], %[high], " at "\n" \
    "cbnz %w[scratch], 4b\n"                         \
    "7: mov x0, %[low]\n"                            \
    "mov x1, %[high]\n"

inline PercpuPair percpu_compare_exchange(PercpuPair* target, PercpuPair expected, PercpuPair desired)
{
    register u64 expected_low asm("x0") = expected.low;
    register u64 expected_high asm("x1") = expected.high;
    register u64 desired_low asm("x2") = desired.low;
    register u64 desired_high asm("x3") = desired.high;
    u64 low, high, global;
    u32 scratch;
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_PAIR_LSE, PERCIVAL_PAIR_LLSC, "")
                 : "+&r"(expected_low), "+&r"(expected_high), [low] "=&r"(low), [high] "=&r"(high),
                   PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)
                 : "r"(desired_low), "r"(desired_high), [address] "r"(target)
                 : "cc");
    return {expected_low, expected_high};
}

#undef PERCIVAL_FETCH_OP

} // namespace percival::arch
