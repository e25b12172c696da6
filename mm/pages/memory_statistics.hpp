// SPDX-License-Identifier: BSD-2-Clause
// What memory is used for, counted per CPU where it happens and summed up when somebody asks.
//
// The counters are changed from any context. A snapshot taken while others allocate is a little old in each
// of its parts; while nobody does, free + used + reserved is exactly the total.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival::mm {

struct MemoryStatistics {
    Bytes total;    // all banks of RAM
    Bytes reserved; // the image, the firmware's, and all that was allocated before there was a page allocator
    Bytes free;     // in the zones, and in the CPUs' page caches
    Bytes used;     // handed out
    Bytes cached;   // of what is free, in the CPUs' page caches
    Bytes objects;  // of what is used, in the slabs of small objects
    u64 refills;    // of page caches
    u64 drains;
    u64 remote_pages;    // taken from another node than the CPU's own, which had none
    u64 failures;        // allocations that found no memory, injected ones included
    u64 bad_frees;       // that were refused and reported
    u64 late_writes;     // to freed memory, reported (debug builds)
    u64 spurious_faults; // translation faults that were gone when looked at again
};

MemoryStatistics memory_statistics();

// On the console, as a line of the boot summary.
void print_memory_statistics();

// The counters. The first two count pages that left the zones and came back.
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

// Over all possible CPUs.
u64 sum(const PerCpu<u64>& counter);

} // namespace percival::mm
