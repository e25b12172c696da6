// SPDX-License-Identifier: BSD-2-Clause
// Maps pages into units and unmaps them: in every CPU's slab and, if windows have tables of their own, in
// every CPU's window.
//
// The store, which owns the only object, serializes calls by its mutex. The first invariant and the one list
// of removed pages depend on that.
//
// Invariants:
// * A page of a unit is mapped for all possible CPUs, online or not, or for none.
// * Pages are freed after one flush. It covers each CPU's address in its slab, and the
//   local address, which is the same for all CPUs.
#pragma once

#include "mm/percpu_memory/population.hpp"

namespace percival::percpu {

class UnitPages : Immovable {
public:
    constexpr UnitPages() = default;

    // Allocates the list of removed pages, for units of `pages` pages. Called once, before populate().
    // Returns false if there is no memory.
    [[nodiscard]] bool prepare(u32 pages);

    // Maps zeroed pages, from each CPU's own node if possible, as the pages `pages` of the units at the local
    // address `base`. Returns false if there is no memory; then nothing has changed.
    [[nodiscard]] bool populate(VirtAddr base, Pages pages);
    // Unmaps and frees these pages, which must be populated and no longer in use.
    void depopulate(VirtAddr base, Pages pages);

private:
    void remove_everywhere(VirtAddr base, Pages pages);

    // Pages that are unmapped but not yet flushed.
    PhysAddr* removed_{nullptr};
    u32 removed_count_{0};
};

// The number of populated pages of all CPUs together, and of flushes for removed pages.
struct PageStatistics {
    u64 pages;
    u64 flushes;
};
PageStatistics page_statistics();

} // namespace percival::percpu
