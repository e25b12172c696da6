// SPDX-License-Identifier: BSD-2-Clause
// Statistics of memory use. Each event is counted on its own CPU; a snapshot sums the counters up.
//
// Any context. If others allocate at the same time, the parts of a snapshot are from slightly different
// moments. If nobody does, free + used + reserved is exactly the total.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival::mm {

struct MemoryStatistics {
    Bytes total;         // all banks of RAM, and memory added later, whose page descriptors are `reserved`
    Bytes reserved;      // the image, the firmware, and all allocations before the page allocator started
    Bytes free;          // in the zones and in the CPUs' page caches
    Bytes used;          // handed out
    Bytes cached;        // the part of `free` that lies in the CPUs' page caches
    Bytes objects;       // the part of `used` that lies in the slabs of small objects
    u64 refills;         // refills of page caches
    u64 drains;          // drains of page caches
    u64 remote_pages;    // pages from another node, because the wanted node had none
    u64 failures;        // allocations that found no memory, injected failures included
    u64 bad_frees;       // wrong frees, refused and reported
    u64 late_writes;     // reported writes to freed memory (debug builds)
    u64 spurious_faults; // translation faults that were retried, because the translation was there by then
};

// Takes a snapshot.
MemoryStatistics memory_statistics();

// Prints a snapshot to the console, as a line of the boot summary.
void print_memory_statistics();

// The counters of each CPU. The first two count pages that left the zones and pages that came back.
extern PerCpu<u64> pages_taken;
extern PerCpu<u64> pages_returned;
extern PerCpu<u64> object_pages_taken;
extern PerCpu<u64> object_pages_returned;
extern PerCpu<u64> page_cache_refills;
extern PerCpu<u64> page_cache_drains;
extern PerCpu<u64> remote_pages;
extern PerCpu<u64> allocation_failures;
extern PerCpu<u64> bad_frees;
extern PerCpu<u64> late_writes;

// Returns the sum of a counter over all possible CPUs.
u64 sum(const PerCpu<u64>& counter);

} // namespace percival::mm
