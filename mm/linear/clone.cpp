// SPDX-License-Identifier: BSD-2-Clause
#include "mm/linear/clone.hpp"

#include "kernel/wait/linear_tables_stay.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/page_table/range_cloner.hpp"
#include "mm/roots/roots.hpp"

namespace percival::mm {
namespace {

using Cloner = RangeCloner<KernelGeometry, arch::Pte, KernelTables>;

constexpr Level level_of(std::size_t table)
{
    return Level{KernelGeometry::kRootLevel.number() + static_cast<int>(table)};
}

// Returns the addresses that entry `index` of the private table of `level` serves.
VirtRange served_by(Level level, u64 index)
{
    const Bytes size = KernelGeometry::entry_size(level);
    const VirtAddr table =
        level == KernelGeometry::kRootLevel
            ? KernelGeometry::kKernelBase
            : KernelLayout::kLocalPercpu.base.align_down(KernelGeometry::entry_size(level.up()));
    return {table + size * index, size};
}

// Copies the private table of `cpu` at `level`, without what leads to the linear map only.
void copy_private_table(CpuId cpu, Level level, arch::Pte* to)
{
    const arch::Pte* from = kernel_tables().table(private_table(cpu, level));
    for (u64 index = 0; index < KernelGeometry::entries(level); ++index) {
        if (KernelLayout::is_private(level, index) || !linear_region().overlaps(served_by(level, index)))
            KernelTables::store(to + index, load_descriptor(from + index));
    }
}

} // namespace

std::expected<void, MapError> LinearClone::make(CpuId cpu)
{
    const LinearTablesStay stay;
    for (std::size_t n = 0; n < tables_.size(); ++n) {
        const auto table = kernel_tables().allocate();
        if (!table)
            return std::unexpected{MapError::NoMemory};
        tables_[n] = *table;
        copy_private_table(cpu, level_of(n), kernel_tables().table(*table));
        if (n != 0)
            KernelTables::store(kernel_tables().table(tables_[n - 1]) +
                                    KernelGeometry::index(level_of(n - 1), KernelLayout::kLocalPercpu.base),
                                arch::Pte::table(*table));
    }
    return Cloner{cpu_root(cpu), root(), kernel_tables()}.clone(linear_region());
}

LinearClone::~LinearClone()
{
    // Tables of the linear map can hang from the last of the private ones only once all of these are there.
    if (tables_.back() != PhysAddr{0})
        Cloner{root(), root(), kernel_tables()}.free(linear_region());
    for (const PhysAddr table : tables_) {
        if (table != PhysAddr{0})
            kernel_tables().free(table);
    }
}

} // namespace percival::mm
