// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of mm/percpu/area.hpp.
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"

namespace percival::mm {

constexpr u64 global_distance(CpuId cpu)
{
    return testing::copy_distance(cpu.index());
}

constexpr CpuId cpu_at_distance(u64 distance)
{
    return CpuId{static_cast<u32>((distance - global_distance(kBootCpu)) >> testing::kCopyShift)};
}

template <class T>
T* global_pointer(T* local, CpuId cpu)
{
    return reinterpret_cast<T*>(reinterpret_cast<u64>(local) + global_distance(cpu));
}

} // namespace percival::mm

namespace percival {

CpuId this_cpu_id();
u32 possible_cpu_count();

} // namespace percival
