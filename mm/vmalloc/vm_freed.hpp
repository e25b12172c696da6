// SPDX-License-Identifier: BSD-2-Clause
// Freed areas, until they are flushed. Unmapping leaves what TLBs know; one flush for many areas rids all
// CPUs of it, and only then do the pages and the addresses go back.
//
// Any context on a CPU that runs on its own root.
//
// INV-vm_freed-1: neither a page nor an address of a freed area is used again before a flush that began after
//                 its descriptors were cleared has ended.
#pragma once

#include "mm/vmalloc/vm_area.hpp"

namespace percival::mm {

// The area is Freed and its descriptors are cleared. When this CPU has collected enough they are all flushed.
void put_freed(VmArea& area);

// Flushes what all CPUs have collected: when memory or addresses are short. False: there was nothing.
bool flush_freed();

// Since boot, on all CPUs: flushes of this kind, and areas they were for.
struct FreedStatistics {
    u64 flushes;
    u64 areas;
};
FreedStatistics freed_statistics();

// What a CPU may collect, in bytes of addresses: less on a small machine. Boot CPU, once.
void limit_freed(Bytes memory, u32 cpus);

} // namespace percival::mm
