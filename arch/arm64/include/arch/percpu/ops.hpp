// SPDX-License-Identifier: BSD-2-Clause
// The atomic this_cpu operations on a local address, in the form that was chosen at boot
// (arch/percpu_modes/alternatives.hpp). In local mode each is one instruction on that address if the CPUs
// have FEAT_LSE, and one LL/SC sequence otherwise. Any context.
//
// The local address is the same on every CPU, and the MMU picks the copy when the instruction executes. So a
// thread migrates before or after the instruction, never within it. If an LL/SC sequence is interrupted
// between its load and its store, the store fails and the sequence starts over, on whatever CPU the thread is
// on then: exception return clears the exclusive monitor (Arm ARM B2.12).
//
// All operations except percpu_compare_exchange_release() are relaxed: they order no other access, so none of
// them may publish a pointer that another CPU follows. The asm statements are volatile, because a migration
// changes the value at the address and the compiler cannot see that: it must not cache a read or move it out
// of a loop.
//
// 1- and 2-byte operations use the sized instructions, so that they do not touch neighbouring bytes.
#pragma once

#include "arch/percpu/code.hpp"
#include "arch/percpu/shadow.hpp"
#include "arch/percpu/width.hpp"

#include <type_traits>

namespace percival::arch {

// Two words that compare-exchange treats as one value.
struct alignas(16) PercpuPair {
    u64 low;
    u64 high;
    friend constexpr bool operator==(const PercpuPair&, const PercpuPair&) = default;
};

// The operation old = *target; *target = old OP operand. `lse` is the mnemonic of the atomic instruction, and
// `compute` the mnemonic of OP on registers.
#define PERCIVAL_FETCH_LSE(at, sz, r, lse, compute) lse sz " %" r "[operand], %" r "[old], " at "\n8:\n"
#define PERCIVAL_FETCH_LLSC(at, sz, r, lse, compute)                                           \
    "ldxr" sz " %" r "[old], " at "\n" compute " %" r "[next], %" r "[old], %" r "[operand]\n" \
    "stxr" sz " %w[scratch], %" r "[next], " at "\n8:\n"                                       \
    "cbnz %w[scratch], 4b\n"
#define PERCIVAL_FETCH_OP(sz, r, lse, compute)                                                             \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_FETCH_LSE, PERCIVAL_FETCH_LLSC, sz, r, lse, compute) \
                 : [old] "=&r"(old), [next] "=&r"(next), PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)   \
                 : [operand] "r"(operand), PERCIVAL_PERCPU_ADDRESS(target))

// Adds `operand`; returns the old value.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_add(T* target, T operand)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};
    T old, next;
    PercpuScratch scratch;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldadd", "add");
    return old;
}

// percpu_add() is percpu_fetch_add() without a result. It uses LDADD too, unless the kernel measured that
// STADD is faster (arch/percpu_modes/alternatives.hpp): STADD may execute far from the core, which is an
// order of magnitude slower on some cores. The asm statement takes one register less than that of
// percpu_fetch_add(), because functions contain many adds.
#define PERCIVAL_ADD_LLSC(at, sz, r)                    \
    "ldxr" sz " %" r "[old], " at "\n"                  \
    "add %" r "[old], %" r "[old], %" r "[operand]\n"   \
    "stxr" sz " %w[scratch], %" r "[old], " at "\n8:\n" \
    "cbnz %w[scratch], 4b\n"
#define PERCIVAL_ADD_LSE(at, sz, r) PERCIVAL_FETCH_LSE(at, sz, r, "ldadd", "")
// Adds `operand`.
template <PercpuWord T>
[[gnu::always_inline]] inline void percpu_add(T* target, T operand)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};
    T old;
    PercpuScratch scratch;
#define PERCIVAL_ASM(sz, r)                                                              \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("1", PERCIVAL_ADD_LSE, PERCIVAL_ADD_LLSC, sz, r) \
                 : [old] "=&r"(old), PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)     \
                 : [operand] "r"(operand), PERCIVAL_PERCPU_ADDRESS(target))
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM);
#undef PERCIVAL_ASM
}

// Clears the bits that are set in `operand`; returns the old value.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_clear(T* target, T operand)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};
    T old, next;
    PercpuScratch scratch;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldclr", "bic");
    return old;
}

// Sets the bits that are set in `operand`; returns the old value.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_fetch_set(T* target, T operand)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};
    T old, next;
    PercpuScratch scratch;
    PERCIVAL_FOR_WIDTH(T, PERCIVAL_FETCH_OP, "ldset", "orr");
    return old;
}

#define PERCIVAL_SWAP_LSE(at, sz, r) "swp" sz " %" r "[operand], %" r "[old], " at "\n8:\n"
#define PERCIVAL_SWAP_LLSC(at, sz, r)                       \
    "ldxr" sz " %" r "[old], " at "\n"                      \
    "stxr" sz " %w[scratch], %" r "[operand], " at "\n8:\n" \
    "cbnz %w[scratch], 4b\n"

// Writes `operand`; returns the old value.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_exchange(T* target, T operand)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};
    T old;
    PercpuScratch scratch;
#define PERCIVAL_ASM(sz, r)                                                                \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_SWAP_LSE, PERCIVAL_SWAP_LLSC, sz, r) \
                 : [old] "=&r"(old), PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)       \
                 : [operand] "r"(operand), PERCIVAL_PERCPU_ADDRESS(target))
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

// Writes `desired` if the value is `expected`; returns the value found. With Release, a CPU that acquires the
// written value sees everything that this CPU wrote before, and the "memory" clobber makes the compiler keep
// those writes ahead.
template <PercpuOrder Order, PercpuWord T>
[[gnu::always_inline]] inline T percpu_compare_exchange_ordered(T* target, T expected, T desired)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};
    // CAS compares only the low bits of the register. The LL/SC form compares the whole register, so the
    // value must be zero-extended.
    using Wide = std::conditional_t<sizeof(T) == 8, u64, u32>;
    Wide found = expected;
    Wide loaded;
    PercpuScratch scratch;
#define PERCIVAL_ASM(sz, r, order, ...)                                                         \
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_CAS_LSE, PERCIVAL_CAS_LLSC, sz, r, order) \
                 : [found] "+&r"(found), [loaded] "=&r"(loaded),                                \
                   PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)                              \
                 : [desired] "r"(desired), PERCIVAL_PERCPU_ADDRESS(target)                      \
                 : "cc" __VA_OPT__(, ) __VA_ARGS__)
    if constexpr (Order == PercpuOrder::Release) {
        PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM, "l", "memory");
    } else {
        PERCIVAL_FOR_WIDTH(T, PERCIVAL_ASM, "");
    }
#undef PERCIVAL_ASM
    return static_cast<T>(found);
}

// Writes `desired` if the value is `expected`; returns the value found. Relaxed.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_compare_exchange(T* target, T expected, T desired)
{
    return percpu_compare_exchange_ordered<PercpuOrder::Relaxed>(target, expected, desired);
}

// Writes `desired` if the value is `expected`; returns the value found. The write is a release, so it may
// publish a pointer.
template <PercpuWord T>
[[gnu::always_inline]] inline T percpu_compare_exchange_release(T* target, T expected, T desired)
{
    return percpu_compare_exchange_ordered<PercpuOrder::Release>(target, expected, desired);
}

// CASP takes pairs of registers that begin with an even one, so the code names them. LDXP alone is two loads.
// Only a successful STXP shows that they were one (Arm ARM B2.9.5), so after a mismatch the sequence stores
// the values it found.
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

// Writes `desired` if the pair is `expected`; returns the pair found. Relaxed.
inline PercpuPair percpu_compare_exchange(PercpuPair* target, PercpuPair expected, PercpuPair desired)
{
    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};
    register u64 expected_low asm("x0") = expected.low;
    register u64 expected_high asm("x1") = expected.high;
    register u64 desired_low asm("x2") = desired.low;
    register u64 desired_high asm("x3") = desired.high;
    u64 low, high;
    PercpuScratch scratch;
    asm volatile(PERCIVAL_PERCPU_ATOMIC("0", PERCIVAL_PAIR_LSE, PERCIVAL_PAIR_LLSC, "")
                 : "+&r"(expected_low), "+&r"(expected_high), [low] "=&r"(low), [high] "=&r"(high),
                   PERCIVAL_PERCPU_SCRATCH, [memory] "+Q"(*target)
                 : "r"(desired_low), "r"(desired_high), PERCIVAL_PERCPU_ADDRESS(target)
                 : "cc");
    return {expected_low, expected_high};
}

#undef PERCIVAL_FETCH_OP

} // namespace percival::arch
