// SPDX-License-Identifier: BSD-2-Clause
// Giving units memory, and taking it away again: pages in every CPU's slab and, where windows have tables of
// their own, in every CPU's window.
//
// The owner serializes calls (the store, by its mutex): INV-percpu_pages-1 needs that, and the list of pages
// that are on their way out is one.
//
// INV-percpu_pages-1: a page of a unit is mapped for all possible CPUs, online or not, or for none.
// INV-percpu_pages-2: pages go back to the allocator after one flush: of each CPU's address in its slab, and of
//                     the local address, which is the same for all CPUs.
#pragma once

#include "mm/percpu_memory/population.hpp"

namespace percival::percpu {

class UnitPages : Immovable {
public:
    constexpr UnitPages() = default;

    // Makes room for the pages that are taken away at once, of units of `pages` pages. Once; false: no
    // memory.
    [[nodiscard]] bool prepare(u32 pages);

    // Zeroed pages from each CPU's node for the pages `pages` of the units at the local address `base`.
    // False: no memory, and nothing has changed.
    [[nodiscard]] bool populate(VirtAddr base, Pages pages);
    // Nobody uses them any more.
    void depopulate(VirtAddr base, Pages pages);

private:
    void remove_everywhere(VirtAddr base, Pages pages);

    // Pages that are unmapped, but not flushed yet.
    PhysAddr* removed_{nullptr};
    u32 removed_count_{0};
};

// What has been populated, in pages of all CPUs together, and flushes for what was taken away.
struct PageStatistics {
    u64 pages;
    u64 flushes;
};
PageStatistics page_statistics();

} // namespace percival::percpu
