// SPDX-License-Identifier: BSD-2-Clause
// Changes what may be done with pages of the linear map or of vmalloc: set_memory().
//
// Pages of vmalloc belong to the owner of the area, who may change any of them at any time before it frees
// the area. An area may be freed whatever was changed in it. The protection of a page in vmalloc is that of
// this mapping only: the page's linear address is changed by a call of its own.
//
// Pages of the linear map belong to whoever allocated the memory. They go back to the allocator as they came:
// valid and read-write. The map is made of blocks and contiguous runs where linear_leaves allows, and
// these may belong to several owners. So one lock guards all changes there, and nothing is ever broken: a
// block is split, or a run unfolded, without a break where every CPU may do so (KernelTables::resizes_live())
// and not at all elsewhere. A page in vmalloc is changed on every machine: where a break is necessary, other
// CPUs that use the area wait for its end (mm/kernel_map/live_break.hpp).
//
// A page made invalid keeps its memory and its protection (mm/set_memory/memory_change.hpp): Valid gives them
// back. Until then page-table dumps show a hole there, PageTable::unmap() and protect() report NotMapped, and
// vfree() and vunmap() work as ever.
//
// The image, and the root tables that are sealed (mm/roots/seal.hpp), stay as they are.
#pragma once

#include "mm/roots/linear_tables.hpp"
#include "mm/set_memory/memory_change.hpp"
#include "mm/set_memory/table_stock.hpp"

#include <atomic>
#include <expected>

namespace percival::mm {

// Tables set aside, so that set_memory() needs no memory. fill() takes them from the page allocator, and the
// destructor returns those that are left. One change uses up kMaxSplits tables at most.
class TableReserve : public TableStock<KernelGeometry, LinearTables> {
public:
    TableReserve() : TableStock{the_linear_tables} {}
};

// Counts since boot, over all CPUs.
struct SetMemoryStatistics {
    std::atomic<u64> splits{0};        // tables that took the place of a block
    std::atomic<u64> merged_blocks{0}; // blocks that took the place of a table again
    std::atomic<u64> merged_runs{0};   // runs that got the contiguous hint back
};
inline constinit SetMemoryStatistics set_memory_statistics;

// Makes `change` on all pages of `range`, or on none. When it returns, every access by every CPU meets the
// new state; a CPU that uses the pages meanwhile meets the old state or the new one. Takes tables from the
// page allocator, under the lock. Errors: all of SetMemoryError; then every page is as it was, and no block
// was split.
//
// Any context on a CPU that runs on its own root, except inside the page allocator and in a WritableWindow.
// Holds a lock with interrupts masked for the time of the change: about 10 instructions for each page, and
// some 1,000 for each block that is split.
std::expected<void, SetMemoryError> set_memory(VirtRange range, MemoryChange change);

// Does the same with tables from `reserve` only, of which NoMemory means that it had too few.
std::expected<void, SetMemoryError> set_memory(VirtRange range, MemoryChange change, TableReserve& reserve);

} // namespace percival::mm
