// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_allocation.hpp"

#include "kernel/lib/print.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vm_mapping.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vm_spares.hpp"

namespace percival::mm {
namespace {

// Size of the largest physical block. A larger alignment would allow no larger leaf.
constexpr Bytes kLargestBlock = KernelGeometry::kPageSize * kMaxPageOrder.pages();

// Returns the size of the largest leaf or contiguous run of leaves that fits into `size` and into a physical
// block.
constexpr Bytes natural_alignment(Bytes size)
{
    Bytes best = KernelGeometry::kPageSize;
    for (Level level = kLastLevel; level >= KernelGeometry::kRootLevel; level = level.up()) {
        if (!level.is_last() && !KernelGeometry::block_allowed(level))
            break;
        for (const u64 entries : {u64{1}, KernelGeometry::contiguous_entries(level)}) {
            const Bytes reach = KernelGeometry::entry_size(level) * entries;
            if (reach <= std::min(size, kLargestBlock))
                best = std::max(best, reach);
        }
    }
    return best;
}

[[gnu::cold]] void report_wrong_free(VirtAddr address, VmKind kind)
{
    bad_frees.inc();
    const auto use = vmalloc_region().use_of(address);
    print("vmalloc: {} was to be freed as {}, but {}{}", address, name_of(kind),
          use ? "is in use, or inside something in use, as " : "nothing in use begins there",
          use ? name_of(*use) : std::string_view{});
}

} // namespace

std::expected<VmArea*, VmError> allocate_area_from_region(Bytes size, Bytes alignment)
{
    if (!std::has_single_bit(alignment.count()))
        return std::unexpected{VmError::BadAlignment};
    alignment = std::max(alignment, natural_alignment(size));
    auto area = vmalloc_region().allocate(size, alignment);
    if (!area && area.error() != VmError::BadSize && area.error() != VmError::BadAlignment && flush_freed())
        area = vmalloc_region().allocate(size, alignment);
    if (area && is_spare_size(size) && !find_slots(**area)) {
        vmalloc_region().free(**area);
        return std::unexpected{VmError::NoMemory};
    }
    return area;
}

void undo_area(VmArea& area, Bytes mapped)
{
    area.become(VmState::Freed);
    area.mapped = mapped;
    clear_area(area, mapped);
    put_freed(area);
}

void free_area(VirtAddr address, VmKind kind)
{
    VmArea* area = vmalloc_region().claim(address, kind);
    if (area == nullptr)
        return report_wrong_free(address, kind);
    clear_area(*area, area->mapped);
    put_freed(*area);
}

} // namespace percival::mm
