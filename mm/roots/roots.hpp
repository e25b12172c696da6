// SPDX-License-Identifier: BSD-2-Clause
// Makes a translation table root for every possible CPU.
//
// The master root is where shared regions are edited; only the boot CPU runs on it, until its own root is
// made. A CPU's root translates like the master, but for the local percpu window. There it shows the CPU's
// slab of the global percpu area:
//
//      master root                     root of CPU n
//      shared region --> tables <---- shared region
//      slab n ---------> tables <---- local window       (linked window)
//      local window: empty
//
// The private tables of a CPU are its copies of the master's tables on the way to the local window, from the
// root down to KernelLayout::kPrivateLevel. All other tables are shared.
//
// A root comes into being in these steps:
//
//   complete  complete_master_root() gives a table to every entry that a shared region may ever use, so that
//             no root has to change later (mm/roots/completeness.hpp).
//   slabs     setup_percpu_areas() makes the slab of each CPU in the master (mm/roots/slabs.hpp).
//   copies    It then copies the master's tables into the private tables of each CPU and links the copies.
//   windows   In each root it opens the local window (mm/roots/windows.hpp).
//   seal      Finally it maps all of these tables read-only (mm/roots/seal.hpp).
//
// With `roots=common` there are no private tables: all CPUs are on the master, whose local window stays
// empty, and it is sealed. What is said of roots beside the master holds for none (roots_beside_master()).
//
// After that sync_roots() adds entries to roots (mm/roots/sync.hpp), and write_root_entry() changes those of
// the linear map where a root holds its blocks (mm/roots/root_entry.hpp). Both keep all roots alike.
// root_agrees_with_master() checks the result (mm/roots/check.hpp).
//
// INV-roots-1: a linked window consists of the very descriptors that map the CPU's slab in the master. The
//              tables below are shared, so the local and the global address of an object always lead to the
//              same page.
// INV-roots-2: private tables are read-only once sealed. Only sync_roots() and write_root_entry() change
//              them.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Returns the size of the private tables of `cpus` CPUs. Any context.
constexpr Bytes private_tables_size(u32 cpus)
{
    return KernelGeometry::kPageSize * KernelLayout::kPrivateTables * cpus;
}

// Makes the slab and the root of every CPU and seals the roots. Each slab is memory of its CPU's NUMA node if
// possible. `private_tables` is the memory for the private tables: page-aligned, private_tables_size() long,
// and in the linear map; it is empty if all CPUs are on one root. Boot CPU, once, after
// complete_master_root() (mm/roots/completeness.hpp). Errors: NoMemory, and whatever mapping a slab or a
// window reports; the boot cannot go on after one.
std::expected<void, MapError> setup_percpu_areas(const MachineDescription& machine, PhysRange private_tables);

// Return the physical address of a table on the way to the local window: a CPU's private table of that level,
// and the master's table that it is a copy of. With one root for all CPUs both are the master's. `level` is
// between the root level and KernelLayout::kPrivateLevel. Any context, after setup_percpu_areas().
PhysAddr private_table(CpuId cpu, Level level);
PhysAddr master_table_of(Level level);

// Returns the root of `cpu`: its first private table, or the master. Any context, after setup_percpu_areas().
PhysAddr cpu_root(CpuId cpu);

// Returns the memory of the private tables of all CPUs; empty if all CPUs are on one root, and before
// setup_percpu_areas(). Any context.
PhysRange private_tables();

// Returns how many CPUs have a root of their own: all possible ones, or none. Any context, after
// setup_percpu_areas().
u32 roots_beside_master();

} // namespace percival::mm
