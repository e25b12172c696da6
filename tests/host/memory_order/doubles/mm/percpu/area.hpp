// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of mm/percpu/area.hpp: the copies of percpu variables lie behind the program. Those
// of percpu objects have local addresses of the kernel and lie in slabs that a test maps.
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

// Where slab 0 begins. The others follow at the distance that they have in the kernel.
inline constinit u64 slabs = 0;

inline u64 global_distance(CpuId cpu)
{
    return slabs - KernelLayout::kLocalPercpu.base.raw() + (u64{cpu.index()} << KernelLayout::kSlabShift);
}

inline VirtAddr local_to_global(VirtAddr local, CpuId cpu)
{
    return VirtAddr{local.raw() + global_distance(cpu)};
}

constexpr bool is_percpu_local(VirtAddr address)
{
    return KernelLayout::kLocalPercpu.contains(address);
}

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
