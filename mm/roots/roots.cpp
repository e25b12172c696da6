// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/roots.hpp"

#include "linker/ro_after_init.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "mm/roots/seal.hpp"
#include "mm/roots/slabs.hpp"
#include "mm/roots/windows.hpp"

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;
constexpr VirtRange kWindow = KernelLayout::kLocalPercpu;

PERCIVAL_RO_AFTER_INIT constinit PhysRange private_tables_area{};

// Copies the master's tables on the way to the local window into the CPU's private tables, and links each
// copy to the next lower one.
void make_root(CpuId cpu)
{
    KernelTables& tables = kernel_tables();
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel; level = level.down())
        __builtin_memcpy(linear_pointer<u64>(private_table(cpu, level)), tables.table(master_table_of(level)),
                         kPage.count());
    for (Level level = KernelGeometry::kRootLevel; level < KernelLayout::kPrivateLevel;
         level = level.down()) {
        auto* entries = linear_pointer<arch::Pte>(private_table(cpu, level));
        tables.store(entries + KernelGeometry::index(level, kWindow.base),
                     arch::Pte::table(private_table(cpu, level.down())));
    }
}

} // namespace

std::expected<void, MapError> setup_percpu_areas(const MachineDescription& machine, PhysRange private_tables)
{
    const auto cpus = static_cast<u32>(machine.cpus.size());
    private_tables_area = private_tables;
    cpus_with_root = cpus;
    // All slabs come first: a root is a copy of the master, so the master must not change after the first
    // copy.
    for (u32 cpu = 0; cpu < cpus; ++cpu) {
        if (auto result = make_slab(CpuId{cpu}, NumaNode{machine.cpus[cpu].numa_node}); !result)
            return result;
    }
    for (u32 cpu = 0; cpu < cpus; ++cpu) {
        if (!percpu::roots_are_common())
            make_root(CpuId{cpu});
        if (auto result = open_window(CpuId{cpu}); !result)
            return result;
    }
    kernel_tables().publish();
    return seal_roots(private_tables);
}

PhysAddr private_table(CpuId cpu, Level level)
{
    if (percpu::roots_are_common())
        return master_table_of(level);
    const u64 below_root = static_cast<u64>(level.number() - KernelGeometry::kRootLevel.number());
    return private_tables_area.base + kPage * (u64{cpu.index()} * KernelLayout::kPrivateTables + below_root);
}

PhysAddr master_table_of(Level level)
{
    return level == KernelGeometry::kRootLevel
               ? master_root()
               : master_table().walk_to(kWindow.base, level.up()).pte.address();
}

PhysAddr cpu_root(CpuId cpu)
{
    return private_table(cpu, KernelGeometry::kRootLevel);
}

PhysRange private_tables()
{
    return private_tables_area;
}

u32 roots_beside_master()
{
    return percpu::roots_are_common() ? 0 : possible_cpu_count();
}

} // namespace percival::mm
