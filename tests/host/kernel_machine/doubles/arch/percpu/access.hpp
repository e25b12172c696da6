// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/percpu/access.hpp: each operation is one step.
#pragma once

#include "arch/percpu/ops.hpp"

namespace percival::arch {

template <class T>
T percpu_load(const T* target)
{
    const testing::Aside one_step;
    return *this_cpu_copy(target);
}

template <class T>
void percpu_store(T* target, T value)
{
    const testing::Aside one_step;
    *this_cpu_copy(target) = value;
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
