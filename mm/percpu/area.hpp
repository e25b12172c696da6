// SPDX-License-Identifier: BSD-2-Clause
// The percpu areas: one slab per possible CPU in the global area, and the local window through which each
// root shows its own CPU's slab. This is the one place where a local address becomes a global one.
//
//      global(p, cpu) = p + (GLOBAL - LOCAL) + (cpu << kSlabShift)
//
// INV-percpu_area-1: a CPU's slab holds its copy of the static section before that CPU runs with its MMU on.
// INV-percpu_area-2: a root's local window consists of the very descriptors that map its CPU's slab (linked
//                    windows): the tables below are shared, so local and global alias cannot disagree.
// INV-percpu_area-3: private tables are read-only once made (mm/roots/seal.hpp); only sync_roots() changes
//                    them (mm/roots/sync.hpp).
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

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

// Bytes of private tables that `cpus` CPUs need together.
constexpr Bytes private_tables_size(u32 cpus)
{
    return KernelGeometry::kPageSize * KernelLayout::kPrivateTables * cpus;
}

// Gives every CPU its slab, with memory of its own NUMA node, and its root, in `private_tables`, and seals these
// and the master's. The master root's shared regions must be complete before (complete_master_root()). Boot
// CPU, once; memory must be in the linear map.
std::expected<void, MapError> setup_percpu_areas(const MachineDescription& machine, PhysRange private_tables);

// Makes every entry of a private table that a region can ever use point to a table, so that roots never
// change later. `cpus` says how much of the global percpu area will be used. Boot CPU, before
// setup_percpu_areas().
std::expected<void, MapError> complete_master_root(u32 cpus);

// The tables on the way to the local window, from the root to KernelLayout::kPrivateLevel: a CPU's own ones,
// and the master's that these are copies of. Any context, after setup_percpu_areas().
PhysAddr private_table(CpuId cpu, Level level);
PhysAddr master_table_of(Level level);

// The root of a CPU, and the number of CPUs that have one. After setup_percpu_areas().
PhysAddr cpu_root(CpuId cpu);
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
