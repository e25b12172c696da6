// SPDX-License-Identifier: BSD-2-Clause
// Buddy allocation over the page indexes of one zone. Blocks of 2^order pages are at multiples of their size.
// An allocation splits a larger block where needed; a free merges a block with its free buddy. The class
// handles descriptors and indexes only, no addresses and no locks.
//
// The caller serializes calls (a zone's lock). Any context, on the host too.
//
// Invariants:
// * A free block is on exactly one list, and its first descriptor says Free with its order. No two blocks
//   below the largest order that are each other's buddy are both free.
// * A descriptor is read only within the block of the largest order around a page that was given to free().
//   So the caller may initialize the array one such block at a time.
#pragma once

#include "mm/physical/page_descriptor.hpp"

#include <array>
#include <optional>

namespace percival::mm {

class Buddy {
public:
    constexpr Buddy() { lists_.fill(PageState::kNoIndex); }

    // Sets the array of descriptors, before any other use. It begins at a page that is aligned to the largest
    // order.
    void set_descriptors(PageDescriptor* descriptors) { descriptors_ = descriptors; }

    // Frees a block whose first descriptor says None.
    void free(u32 index, PageOrder order);
    // Frees a run of pages of any length and alignment.
    void free_run(u32 index, u32 pages);
    // Returns a block whose first descriptor it has set to Allocated; nothing when no free block is large
    // enough.
    std::optional<u32> allocate(PageOrder order);

    u64 free_pages() const { return free_pages_; }

private:
    void push(u32 index, PageOrder order);
    void remove(u32 index, PageOrder order);
    // Sets everything but the mark that the page is poisoned. The mark stays with the page through splits and
    // merges.
    void set_state(u32 index, PageState state);

    PageDescriptor* descriptors_{nullptr};
    std::array<u32, kMaxPageOrder.number() + 1> lists_{};
    u64 free_pages_{0};
};

} // namespace percival::mm
