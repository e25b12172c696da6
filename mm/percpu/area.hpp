// SPDX-License-Identifier: BSD-2-Clause
// Arithmetic on the percpu areas: one slab per possible CPU in the global area, and the local window through
// which each root shows its own CPU's slab. This is the one place where a local address becomes a global one.
// Slabs, windows and roots are made in mm/roots.
//
//      global(p, cpu) = p + (GLOBAL - LOCAL) + (cpu << kSlabShift)
//
// INV-percpu_area-1: a CPU's slab holds its copy of the static section before that CPU runs with its MMU on.
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"

namespace percival::mm {

// What is added to a local address to get the CPU's global one. TPIDR_EL1 holds this sum for the CPU it
// belongs to.
constexpr u64 global_distance(CpuId cpu)
{
    return KernelLayout::kLocalToGlobal.count() + (u64{cpu.index()} << KernelLayout::kSlabShift);
}

constexpr VirtAddr local_to_global(VirtAddr local, CpuId cpu)
{
    return VirtAddr{local.raw() + global_distance(cpu)};
}

constexpr bool is_percpu_local(VirtAddr address)
{
    return KernelLayout::kLocalPercpu.contains(address);
}

// The pointer to `cpu`'s copy of what `local` names. Valid on every CPU, and may be kept in lists.
template <class T>
T* global_pointer(T* local, CpuId cpu)
{
    return reinterpret_cast<T*>(reinterpret_cast<u64>(local) + global_distance(cpu));
}

// How many CPUs have a root: setup_percpu_areas() (mm/roots/roots.hpp) says so, once.
inline constinit u32 cpus_with_root = 0;

} // namespace percival::mm

namespace percival {

// The calling CPU. Any context, a panic included: before a CPU's own percpu area is in place it answers
// kBootCpu, which is the only CPU that runs C++ that early.
inline CpuId this_cpu_id()
{
    const u64 distance = arch::read_this_cpu_distance();
    if (distance == 0)
        return kBootCpu;
    return CpuId{
        static_cast<u32>((distance - mm::global_distance(kBootCpu)) >> mm::KernelLayout::kSlabShift)};
}

// Possible CPUs are numbered from 0 up to this count, and each has a root and a slab, online or not. Constant
// after setup_percpu_areas(), 0 before.
inline u32 possible_cpu_count()
{
    return mm::cpus_with_root;
}

} // namespace percival
