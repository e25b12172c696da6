// SPDX-License-Identifier: BSD-2-Clause
// Empties what CPUs keep for later, so that a test finds out what is in use: the stocks of this CPU or, by
// *_all_*, of every CPU, each of which drains its own. Those need interrupts unmasked, and no lock held.
#pragma once

#include "kernel/cpus/call.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vm_spares.hpp"

namespace percival {

// Gives all pages in page caches back to their zones.
inline void drain_all_page_caches()
{
    mm::drain_page_cache();
    call_on_others([] { mm::drain_page_cache(); });
}

// Gives all objects in stock back to their slabs, and empty slabs to the page allocator.
inline void drain_all_object_stocks()
{
    mm::drain_object_stock();
    call_on_others([] { mm::drain_object_stock(); });
}

// Gives all percpu memory in stock back to its chunks.
inline void drain_all_percpu_stocks()
{
    percpu::drain_stocks();
    call_on_others([] { percpu::drain_stocks(); });
}

// Gives all percpu memory in the depots back to its chunks.
inline void empty_percpu_depots()
{
    percpu::reduce_depots(0);
}

// Gives this CPU's spare areas back to the vmalloc region.
inline void release_spares()
{
    for (u64 pages = 1; pages <= mm::VmSpares::kSizes; ++pages) {
        while (mm::VmArea* area = mm::take_spare(mm::KernelGeometry::kPageSize * pages))
            mm::vmalloc_region().release(*area);
    }
}

inline void release_all_spares()
{
    release_spares();
    call_on_others([] { release_spares(); });
}

} // namespace percival
