// SPDX-License-Identifier: BSD-2-Clause
// Allocation and release of areas for vmalloc() and vmap(): from this CPU's spares or the region, and back
// through the list of freed areas. Any context on a CPU that runs on its own root.
#pragma once

#include "mm/vmalloc/vm_spares.hpp"

#include <expected>

namespace percival::mm {

// Returns a Reserved area of the vmalloc region for `size` bytes, a multiple of the granule. The area begins
// at a multiple of `alignment` and of the largest leaf that fits into `size` and into a physical block. If
// addresses are short, it flushes freed areas and tries again. Errors: BadSize, BadAlignment, NoAddresses,
// NoMemory.
std::expected<VmArea*, VmError> allocate_area_from_region(Bytes size, Bytes alignment);

// Does the same, but takes one of this CPU's spares if one fits. The area notes `kind` and `caller`.
inline std::expected<VmArea*, VmError> allocate_area(Bytes size, Bytes alignment, VmKind kind,
                                                     VirtAddr caller)
{
    // True for a power of two up to a page; one compare fewer than asking for each.
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

// Turns a Reserved area into a Used one, which others can find and free. `mapped` bytes are mapped from its
// base on.
inline void commit_area(VmArea& area, Bytes mapped)
{
    area.mapped = mapped;
    area.become(VmState::Used);
}

// Frees a Reserved area that could not be set up. Unmaps the first `mapped` bytes.
void undo_area(VmArea& area, Bytes mapped);

// Unmaps the Used area of `kind` that begins at `address` and puts it on the list of freed areas. Reports and
// counts a wrong free if there is no such area.
void free_area(VirtAddr address, VmKind kind);

} // namespace percival::mm
