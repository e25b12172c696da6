// SPDX-License-Identifier: BSD-2-Clause
// A root for every CPU: where roots are made. setup_percpu_areas() makes each CPU's slab
// (mm/roots/slabs.hpp), copies the master's private tables into a root of the CPU's own, opens the local
// window in it (mm/roots/windows.hpp), and seals all of that (mm/roots/seal.hpp).
//
// Private tables are those on the way from a root to the local window: a CPU's own copies of the master's
// tables. Everything below their other entries is shared by all roots.
//
// INV-roots-1: a root's local window consists of the very descriptors that map its CPU's slab (linked
//              windows): the tables below are shared, so local and global alias cannot disagree.
// INV-roots-2: private tables are read-only once made; only sync_roots() changes them (mm/roots/sync.hpp).
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Bytes of private tables that `cpus` CPUs need together.
constexpr Bytes private_tables_size(u32 cpus)
{
    return KernelGeometry::kPageSize * KernelLayout::kPrivateTables * cpus;
}

// Gives every CPU its slab, with memory of its own NUMA node, and its root, in `private_tables`, and seals
// these and the master's. The master root must be complete before (mm/roots/completeness.hpp). Boot CPU,
// once; memory must be in the linear map.
std::expected<void, MapError> setup_percpu_areas(const MachineDescription& machine, PhysRange private_tables);

// The tables on the way to the local window, from the root to KernelLayout::kPrivateLevel: a CPU's own ones,
// and the master's that these are copies of. Any context, after setup_percpu_areas().
PhysAddr private_table(CpuId cpu, Level level);
PhysAddr master_table_of(Level level);

// The root of a CPU. After setup_percpu_areas().
PhysAddr cpu_root(CpuId cpu);

} // namespace percival::mm
