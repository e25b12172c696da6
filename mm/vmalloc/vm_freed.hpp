// SPDX-License-Identifier: BSD-2-Clause
// Collects freed areas until they are flushed. After an unmap, TLBs may still hold the old entries. One flush
// for many areas removes them from all CPUs, and only then are the pages and the addresses freed.
//
// Any context on a CPU that runs on its own root.
//
// INV-vm_freed-1: neither a page nor an address of a freed area is used again until a flush has ended that
//                 began after the area's descriptors were cleared.
#pragma once

#include "mm/vmalloc/vm_area.hpp"

namespace percival::mm {

// Adds an area to this CPU's list. The area is Freed and its descriptors are cleared. Flushes the whole list
// once this CPU has collected enough.
void put_freed(VmArea& area);

// Flushes what all CPUs have collected, for a caller that is short of memory or addresses. Returns false if
// there was nothing.
bool flush_freed();

// Counts since boot, over all CPUs: flushes of lists of freed areas, and the areas on those lists.
struct FreedStatistics {
    u64 flushes;
    u64 areas;
};
FreedStatistics freed_statistics();

// Sets how many bytes of addresses a CPU may collect before it flushes: fewer on a machine with little
// `memory` or many CPUs. Any context.
void limit_freed(Bytes memory, u32 cpus);

} // namespace percival::mm
