// SPDX-License-Identifier: BSD-2-Clause
#include "mm/set_memory/set_memory.hpp"

#include "mm/image/image.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "mm/set_memory/linear_merge.hpp"
#include "mm/set_memory/memory_editor.hpp"

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

using StockedKernelTables = StockedTables<KernelGeometry, arch::Pte, LinearTables>;
using KernelMemoryEditor = MemoryEditor<KernelGeometry, arch::Pte, StockedKernelTables>;

// Returns the pages that `memory` touches, at their linear addresses.
VirtRange linear_pages(PhysRange memory)
{
    const PhysAddr base = memory.base.align_down(kPage);
    return {linear_address(base), memory.end().align_up(kPage) - base};
}

bool is_sealed(VirtRange range)
{
    const PhysRange roots = private_tables();
    return range.overlaps(linear_pages(image_in_memory())) ||
           (!roots.is_empty() && range.overlaps(linear_pages(roots)));
}

// Returns how leaves in `range` may be changed. Errors: Misaligned, WrongRegion, Sealed.
std::expected<Breaks, SetMemoryError> breaks_in(VirtRange range)
{
    if (!range.base.is_aligned(kPage) || !range.end().is_aligned(kPage))
        return std::unexpected{SetMemoryError::Misaligned};
    if (KernelLayout::kVmalloc.contains(range))
        return Breaks::Allowed;
    if (!linear_region().contains(range))
        return std::unexpected{SetMemoryError::WrongRegion};
    if (is_sealed(range))
        return std::unexpected{SetMemoryError::Sealed};
    return Breaks::Never;
}

// Inline, because each of its callers is a function of its own on the way of the most frequent changes.
[[gnu::always_inline]] inline std::expected<void, SetMemoryError> change_locked(VirtRange range,
                                                                                MemoryChange change,
                                                                                StockedKernelTables tables,
                                                                                Breaks breaks)
{
    const IrqSpinGuard guard{linear_map_lock};
    const auto result = KernelMemoryEditor{master_root(), tables, breaks}.change(range, change);
    if (const u64 splits = tables.taken(); splits != 0)
        set_memory_statistics.splits.fetch_add(splits, std::memory_order_relaxed);
    if (breaks == Breaks::Never)
        note_linear_change(range);
    return result;
}

} // namespace

std::expected<void, SetMemoryError> set_memory(VirtRange range, MemoryChange change, TableReserve& reserve)
{
    const auto breaks = breaks_in(range);
    if (!breaks)
        return std::unexpected{breaks.error()};
    const auto result = change_locked(range, change, StockedKernelTables{reserve}, *breaks);
    if (*breaks == Breaks::Never)
        request_linear_merge();
    return result;
}

std::expected<void, SetMemoryError> set_memory(VirtRange range, MemoryChange change)
{
    const auto breaks = breaks_in(range);
    if (!breaks)
        return std::unexpected{breaks.error()};
    TableReserve reserve;
    const auto result = change_locked(range, change, StockedKernelTables{reserve, Refills::Allowed}, *breaks);
    if (*breaks == Breaks::Never)
        request_linear_merge();
    return result;
}

} // namespace percival::mm
