// SPDX-License-Identifier: BSD-2-Clause
// What vmalloc() and vmap() share: an area from this CPU's spares or the region, and its way back. Any context
// on a CPU that runs on its own root.
#pragma once

#include "mm/vmalloc/vm_spares.hpp"

#include <expected>

namespace percival::mm {

// An area of the vmalloc region, Reserved, for `size` bytes, a multiple of the granule, at a multiple of
// `alignment` and of the largest leaf that fits into `size` and that memory comes in. When addresses are short
// it is tried again after flush_freed().
std::expected<VmArea*, VmError> allocate_area_from_region(Bytes size, Bytes alignment);

// The same, from this CPU's spares if one will do.
inline std::expected<VmArea*, VmError> allocate_area(Bytes size, Bytes alignment, VmKind kind,
                                                     VirtAddr caller)
{
    // A power of two up to a page, without asking for more than there is to know.
    const bool any_will_do = (alignment.count() & (alignment.count() - 1)) == 0 &&
                             alignment.count() - 1 < KernelGeometry::kPageSize.count();
    VmArea* area = any_will_do ? take_spare(size) : nullptr;
    if (area == nullptr) [[unlikely]] {
        const auto found = allocate_area_from_region(size, alignment);
        if (!found)
            return found;
        area = *found;
    }
    area->kind = kind;
    area->caller = caller;
    return area;
}

// Makes a reserved area, in which `mapped` bytes are mapped from its start, one that can be found and freed.
inline void commit_area(VmArea& area, Bytes mapped)
{
    area.mapped = mapped;
    area.become(VmState::Used);
}

// Takes back an area that could not be set up, with what is mapped there so far.
void undo_area(VmArea& area, Bytes mapped);

// Unmaps the used area of that kind that begins at `address`; a report if there is none.
void free_area(VirtAddr address, VmKind kind);

} // namespace percival::mm
