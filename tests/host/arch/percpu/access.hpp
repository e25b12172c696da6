// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/percpu/access.hpp: atomics on this CPU's copy, in one step.
#pragma once

#include "arch/percpu/copy.hpp"

namespace percival::arch {

template <class T>
T percpu_load(const T* target)
{
    [[maybe_unused]] const OneStep step;
    return __atomic_load_n(this_cpu_copy(target), __ATOMIC_RELAXED);
}

template <class T>
void percpu_store(T* target, T value)
{
    [[maybe_unused]] const OneStep step;
    __atomic_store_n(this_cpu_copy(target), value, __ATOMIC_RELAXED);
}

template <class T, auto& Variable>
T percpu_load()
{
    return percpu_load(reinterpret_cast<const T*>(&Variable));
}

template <class T, auto& Variable>
void percpu_store(T value)
{
    percpu_store(reinterpret_cast<T*>(&Variable), value);
}

} // namespace percival::arch
