// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu/area.hpp"

#include "kernel/lib/panic.hpp"
#include "linker/symbols.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/unit.hpp"
#include "mm/percpu/window.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/roots/seal.hpp"

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;
constexpr VirtRange kWindow = KernelLayout::kLocalPercpu;

// The entries whose tables the roots share: at the root itself where that is the only private table, else one
// level above the private one, where one entry covers a kPrivateSpan.
constexpr Level kSharedLevel = KernelLayout::kPrivateLevel == KernelGeometry::kRootLevel
                                   ? KernelGeometry::kRootLevel
                                   : KernelLayout::kPrivateLevel.up();

constinit PhysRange private_tables_area{};

// The first chunk's units, one at the start of each slab.
Bytes unit_size()
{
    const auto first = first_percpu_chunk();
    if (!first)
        panic("the static percpu data do not fit into a slab of {}", KernelLayout::kSlabSize);
    return first->size;
}

// Fills a unit from the template and maps it at the start of the CPU's slab. The memory is the CPU's node's, if that
// has any.
std::expected<void, MapError> make_unit(CpuId cpu, NumaNode node)
{
    const Bytes size = unit_size();
    const auto unit = early_memory().allocate_on(node, size, kPage);
    if (!unit)
        return std::unexpected{MapError::NoMemory};
    const Bytes section = address_of(_percpu_end) - address_of(_percpu_start);
    auto* bytes = linear_pointer<char>(unit->base);
    __builtin_memcpy(bytes, _percpu_template, section.count());
    __builtin_memset(bytes + section.count(), 0, (size - section).count());
    return master_table().map({local_to_global(kWindow.base, cpu), size}, unit->base, kData);
}

// Copies the master's tables on the path to the local window and links them into a root of the CPU's own.
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

// Points the local window at the tables that map the CPU's slab.
std::expected<void, MapError> link_window(CpuId cpu)
{
    KernelPageTable master = master_table();
    constexpr Level kLevel = KernelLayout::kPrivateLevel;
    // All that the slab will ever need at this level, because the window is not changed later.
    const VirtRange slab{local_to_global(kWindow.base, cpu), KernelLayout::kSlabSize};
    if (auto result = master.ensure_tables(slab, kLevel); !result)
        return result;
    auto* window =
        linear_pointer<arch::Pte>(private_table(cpu, kLevel)) + KernelGeometry::index(kLevel, kWindow.base);
    for (u64 entry = 0; entry < KernelLayout::kWindowEntries; ++entry) {
        const VirtAddr in_slab =
            local_to_global(kWindow.base, cpu) + KernelGeometry::entry_size(kLevel) * entry;
        kernel_tables().store(window + entry, master.walk_to(in_slab, kLevel).pte);
    }
    return {};
}

// Gives the window tables of its own, and maps the unit in them too.
std::expected<void, MapError> map_window(CpuId cpu)
{
    const PhysAddr unit = master_table().walk(local_to_global(kWindow.base, cpu)).pte.address();
    KernelPageTable own{cpu_root(cpu), kernel_tables()};
    if (auto result = own.ensure_tables(kWindow, KernelLayout::kPrivateLevel); !result)
        return result;
    return own.map({kWindow.base, unit_size()}, unit, kData);
}

} // namespace

std::expected<void, MapError> complete_master_root(u32 cpus)
{
    const VirtRange regions[] = {
        KernelLayout::kModules,
        KernelLayout::kVmalloc,
        {KernelLayout::kGlobalPercpu.base, KernelLayout::kSlabSize * cpus},
        KernelLayout::kImageWindow,
        KernelLayout::kPciIo,
        KernelLayout::kFixmap,
    };
    KernelPageTable master = master_table();
    for (const VirtRange& region : regions) {
        if (auto result = master.ensure_tables(region, kSharedLevel); !result)
            return result;
    }
    // The path to the local window, so that there is something to copy; the window itself stays empty.
    if constexpr (KernelLayout::kPrivateLevel != KernelGeometry::kRootLevel)
        return master.ensure_tables(kWindow, kSharedLevel);
    return {};
}

std::expected<void, MapError> setup_percpu_areas(const MachineDescription& machine, PhysRange private_tables)
{
    const auto cpus = static_cast<u32>(machine.cpus.size());
    private_tables_area = private_tables;
    cpus_with_root = cpus;
    // All slabs first: a root is a copy of the master, which must not change any more.
    for (u32 cpu = 0; cpu < cpus; ++cpu) {
        if (auto result = make_unit(CpuId{cpu}, NumaNode{machine.cpus[cpu].numa_node}); !result)
            return result;
    }
    for (u32 cpu = 0; cpu < cpus; ++cpu) {
        make_root(CpuId{cpu});
        const auto opened =
            percpu_window == PercpuWindow::Linked ? link_window(CpuId{cpu}) : map_window(CpuId{cpu});
        if (!opened)
            return opened;
    }
    kernel_tables().publish();
    return seal_roots(private_tables);
}

PhysAddr private_table(CpuId cpu, Level level)
{
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

} // namespace percival::mm
