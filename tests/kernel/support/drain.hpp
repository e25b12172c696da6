// SPDX-License-Identifier: BSD-2-Clause
// Functions that empty stocks and caches, so that a test can count what is in use. Without `all` in its name,
// a function empties those of this CPU. With `all`, each CPU empties its own; interrupts must be unmasked and
// no lock held.
#pragma once

#include "kernel/cpus/call.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vm_spares.hpp"

namespace percival {

// Returns all pages in page caches to their zones.
inline void drain_all_page_caches()
{
    mm::drain_page_cache();
    call_on_others([] { mm::drain_page_cache(); });
}

// Returns all objects in stocks to their slabs, and empty slabs to the page allocator.
inline void drain_all_object_stocks()
{
    mm::drain_object_stock();
    call_on_others([] { mm::drain_object_stock(); });
}

// Returns all percpu memory in stocks to its chunks.
inline void drain_all_percpu_stocks()
{
    percpu::drain_stocks();
    call_on_others([] { percpu::drain_stocks(); });
}

// Returns all percpu memory in the depots, which all CPUs share, to its chunks.
inline void empty_percpu_depots()
{
    percpu::reduce_depots(0);
}

// Returns this CPU's spare areas to the vmalloc region.
inline void release_spares()
{
    for (u64 pages = 1; pages <= mm::VmSpares::kSizes; ++pages) {
        while (mm::VmArea* area = mm::take_spare(mm::KernelGeometry::kPageSize * pages))
            mm::vmalloc_region().free(*area);
    }
}

// Returns the spare areas of all CPUs to the vmalloc region.
inline void release_all_spares()
{
    release_spares();
    call_on_others([] { release_spares(); });
}

} // namespace percival
