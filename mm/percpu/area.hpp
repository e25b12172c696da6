// SPDX-License-Identifier: BSD-2-Clause
// Arithmetic on the percpu areas. The global area holds one slab per possible CPU. The local window, at the
// same addresses in every root, shows the slab of the CPU that the root belongs to. Only this header turns a
// local address into a global one. mm/roots makes the slabs, windows and roots.
//
//      global(p, cpu) = p + (GLOBAL - LOCAL) + (cpu << kSlabShift)
//
// Invariant: before a CPU runs with its MMU on, its slab holds its copy of the static section.
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"

namespace percival::mm {

// Returns the distance from a local address to the global address of `cpu`'s copy. arch/percpu/register.hpp
// holds the distance of the calling CPU.
constexpr u64 global_distance(CpuId cpu)
{
    return KernelLayout::kLocalToGlobal.count() + (u64{cpu.index()} << KernelLayout::kSlabShift);
}

// Returns the CPU with this distance.
constexpr CpuId cpu_at_distance(u64 distance)
{
    return CpuId{static_cast<u32>((distance - global_distance(kBootCpu)) >> KernelLayout::kSlabShift)};
}

constexpr VirtAddr local_to_global(VirtAddr local, CpuId cpu)
{
    return VirtAddr{local.raw() + global_distance(cpu)};
}

constexpr bool is_percpu_local(VirtAddr address)
{
    return KernelLayout::kLocalPercpu.contains(address);
}

// Returns a pointer to `cpu`'s copy of the object at the local address `local`. The pointer means the same
// copy on every CPU, so it may be kept in lists.
template <class T>
T* global_pointer(T* local, CpuId cpu)
{
    // SAFETY: the slab of `cpu` holds a T at the offset that `local` has in the window.
    return reinterpret_cast<T*>(reinterpret_cast<u64>(local) + global_distance(cpu));
}

// The number of CPUs that have a root. setup_percpu_areas() (mm/roots/roots.hpp) sets it, once.
inline constinit u32 cpus_with_root = 0;

} // namespace percival::mm

namespace percival {

// Returns the calling CPU. Any context, a panic included. Returns kBootCpu before the percpu area is set up:
// no other CPU runs C++ that early.
inline CpuId this_cpu_id()
{
    const u64 distance = arch::read_this_cpu_distance();
    if (distance == 0)
        return kBootCpu;
    return mm::cpu_at_distance(distance);
}

// Returns the number of possible CPUs, which are numbered from 0. Each has a root and a slab, online or not.
// The result is 0 before setup_percpu_areas() and constant afterwards.
inline u32 possible_cpu_count()
{
    return mm::cpus_with_root;
}

} // namespace percival
