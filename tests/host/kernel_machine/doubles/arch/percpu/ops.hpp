// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/percpu/ops.hpp: each operation is one step.
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/lib/types.hpp"
#include "kernel_machine/support/aside.hpp"

namespace percival::arch {

struct alignas(16) PercpuPair {
    u64 low;
    u64 high;
    friend constexpr bool operator==(const PercpuPair&, const PercpuPair&) = default;
};

// Returns the executing CPU's copy of the variable at a local address.
template <class T>
T* this_cpu_copy(T* local)
{
    return reinterpret_cast<T*>(reinterpret_cast<u64>(local) + read_this_cpu_distance());
}

template <class T>
T percpu_exchange(T* target, T operand)
{
    const testing::Aside one_step;
    T* const own = this_cpu_copy(target);
    const T old = *own;
    *own = operand;
    return old;
}
template <class T>
T percpu_fetch_add(T* target, T operand)
{
    const testing::Aside one_step;
    T* const own = this_cpu_copy(target);
    const T old = *own;
    *own = static_cast<T>(old + operand);
    return old;
}
template <class T>
void percpu_add(T* target, T operand)
{
    percpu_fetch_add(target, operand);
}
template <class T>
T percpu_fetch_clear(T* target, T operand)
{
    const testing::Aside one_step;
    T* const own = this_cpu_copy(target);
    const T old = *own;
    *own = static_cast<T>(old & ~operand);
    return old;
}
template <class T>
T percpu_fetch_set(T* target, T operand)
{
    const testing::Aside one_step;
    T* const own = this_cpu_copy(target);
    const T old = *own;
    *own = static_cast<T>(old | operand);
    return old;
}
template <class T>
T percpu_compare_exchange(T* target, T expected, T desired)
{
    const testing::Aside one_step;
    T* const own = this_cpu_copy(target);
    const T old = *own;
    if (old == expected)
        *own = desired;
    return old;
}
template <class T>
T percpu_compare_exchange_release(T* target, T expected, T desired)
{
    return percpu_compare_exchange(target, expected, desired);
}

} // namespace percival::arch
