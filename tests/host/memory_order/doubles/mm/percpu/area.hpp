// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of mm/percpu/area.hpp: the copies of percpu variables lie behind the program.
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/lib/types.hpp"
#include "memory_order/support/static_memory.hpp"
#include "mm/address_space/kernel_geometry.hpp"

namespace percival::mm {

template <class T>
T* global_pointer(T* local, CpuId cpu)
{
    return reinterpret_cast<T*>(reinterpret_cast<u64>(local) + testing::copy_distance(cpu.index()));
}

inline constinit u32 cpus_with_root = 0;

} // namespace percival::mm

namespace percival {

inline CpuId this_cpu_id()
{
    return CpuId{testing::order_explorer().executing()};
}

inline u32 possible_cpu_count()
{
    return mm::cpus_with_root;
}

} // namespace percival
