// SPDX-License-Identifier: BSD-2-Clause
// Buddy allocation over the page indexes of one zone: blocks of 2^order pages at multiples of their size,
// split when a smaller one is asked for, merged with their free neighbour when freed. It knows descriptors
// and indexes only, no addresses and no locks.
//
// The caller serializes calls (a zone's lock). Any context, on the host too.
//
// INV-buddy-1: a free block is on exactly one list, and its first descriptor says Free with its order; no two
//              free blocks that are each other's buddy exist below the largest order.
// INV-buddy-2: a descriptor is read only within the block of the largest order around a page that was given
//              to free(), so the array may be initialized one such block at a time.
#pragma once

#include "mm/physical/page_descriptor.hpp"

#include <array>
#include <optional>

namespace percival::mm {

class Buddy {
public:
    constexpr Buddy() { lists_.fill(PageState::kNoIndex); }

    // Before anything else. The array begins at a page that is aligned to the largest order.
    void set_descriptors(PageDescriptor* descriptors) { descriptors_ = descriptors; }

    // Makes a block free whose first descriptor says None.
    void free(u32 index, PageOrder order);
    // The same for any run of pages.
    void free_run(u32 index, u32 pages);
    // A block, its first descriptor set to Allocated. Nothing when no free block is large enough.
    std::optional<u32> allocate(PageOrder order);

    u64 free_pages() const { return free_pages_; }

private:
    void push(u32 index, PageOrder order);
    void remove(u32 index, PageOrder order);
    // Changes all but the mark that the page is poisoned, which stays with the page through splits and
    // merges.
    void set_state(u32 index, PageState state);

    PageDescriptor* descriptors_{nullptr};
    std::array<u32, kMaxPageOrder.number() + 1> lists_{};
    u64 free_pages_{0};
};

} // namespace percival::mm
