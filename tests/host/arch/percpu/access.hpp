// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/percpu/access.hpp: plain atomics.
#pragma once

namespace percival::arch {

template <class T>
T percpu_load(const T* target)
{
    return __atomic_load_n(target, __ATOMIC_RELAXED);
}

template <class T>
void percpu_store(T* target, T value)
{
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}

} // namespace percival::arch
