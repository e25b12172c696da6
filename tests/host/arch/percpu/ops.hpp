// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/percpu/ops.hpp: atomics on this CPU's copy, each operation in one step.
#pragma once

#include "arch/percpu/copy.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

struct alignas(16) PercpuPair {
    u64 low;
    u64 high;
    friend constexpr bool operator==(const PercpuPair&, const PercpuPair&) = default;
};

template <class T>
T percpu_fetch_add(T* target, T operand)
{
    [[maybe_unused]] const OneStep step;
    return __atomic_fetch_add(this_cpu_copy(target), operand, __ATOMIC_RELAXED);
}
template <class T>
void percpu_add(T* target, T operand)
{
    percpu_fetch_add(target, operand);
}
template <class T>
T percpu_fetch_clear(T* target, T operand)
{
    [[maybe_unused]] const OneStep step;
    return __atomic_fetch_and(this_cpu_copy(target), static_cast<T>(~operand), __ATOMIC_RELAXED);
}
template <class T>
T percpu_fetch_set(T* target, T operand)
{
    [[maybe_unused]] const OneStep step;
    return __atomic_fetch_or(this_cpu_copy(target), operand, __ATOMIC_RELAXED);
}
template <class T>
T percpu_exchange(T* target, T operand)
{
    [[maybe_unused]] const OneStep step;
    return __atomic_exchange_n(this_cpu_copy(target), operand, __ATOMIC_RELAXED);
}
template <class T>
T percpu_compare_exchange(T* target, T expected, T desired)
{
    [[maybe_unused]] const OneStep step;
    __atomic_compare_exchange(this_cpu_copy(target), &expected, &desired, false, __ATOMIC_RELAXED,
                              __ATOMIC_RELAXED);
    return expected;
}
template <class T>
T percpu_compare_exchange_release(T* target, T expected, T desired)
{
    [[maybe_unused]] const OneStep step;
    __atomic_compare_exchange(this_cpu_copy(target), &expected, &desired, false, __ATOMIC_RELEASE,
                              __ATOMIC_RELAXED);
    return expected;
}

} // namespace percival::arch
