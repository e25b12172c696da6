// SPDX-License-Identifier: BSD-2-Clause
// The free pages of one bank of RAM, under one lock. Banks far apart are zones of their own, so the hole
// between them costs no descriptors.
//
// Descriptors are initialized a block of the largest order at a time, when the free lists have run dry: at
// boot nothing is touched, whatever the amount of memory, and memory that is never used never costs more than
// its descriptors' addresses. The part below `known` is initialized; it grows from the zone's start and never
// shrinks.
//
// Any context: the lock is taken with interrupts masked. Pages themselves are never touched here.
//
// INV-page_zone-1: pages at or above known_pages() have never been handed out, and their descriptors are
//                  garbage.
// INV-page_zone-2: free_pages() counts exactly the pages on free lists and those of free ranges not yet
//                  initialized.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/physical/buddy.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/physical/numa.hpp"

#include <atomic>
#include <span>

namespace percival::mm {

// A page together with its descriptor, so that whoever keeps it needs no look-up.
struct PageHandle {
    PhysAddr page;
    PageDescriptor* descriptor;
};

class PageZone : Immovable {
public:
    // As many pages as a descriptor's links can name, less a block for the alignment of the start.
    static constexpr u64 kMaxPages = PageState::kNoIndex + u64{1} - 2 * u64{kMaxPageOrder.pages()};

    constexpr PageZone() = default;

    // Descriptors that a zone for `bank` needs: whole blocks of the largest order.
    static u64 descriptors_for(PhysRange bank, unsigned page_shift);

    // Once, before any other use. `free` are the ranges that are free, sorted, whole pages; those outside
    // `bank` are not the zone's. Both arrays are the zone's from now on, uninitialized descriptors are fine.
    void init(PhysRange bank, NumaNode node, unsigned page_shift, PageDescriptor* descriptors,
              std::span<const EarlyMemory::FreeRange> free);

    PhysRange bank() const { return bank_; }
    NumaNode node() const { return node_; }
    // Where page index 0 is: at or below the bank's start.
    PhysAddr base() const { return base_; }
    PageDescriptor* descriptors() const { return descriptors_; }
    u64 known_pages() const { return known_.load(std::memory_order_acquire); }
    // The descriptor of a page of the bank; null while it is not initialized.
    PageDescriptor* find(PhysAddr page) const;

    // A block, its state Allocated. Nothing when no free block is large enough.
    std::optional<PhysAddr> allocate(PageOrder order) PERCIVAL_EXCLUDES(lock_);
    // Single pages for a page cache, their state Cached. How many there were.
    std::size_t allocate_cached(std::span<PageHandle> pages) PERCIVAL_EXCLUDES(lock_);
    // Takes back a block whose state is None already: the caller has claimed it by compare-exchange.
    void free(PhysAddr page, PageOrder order) PERCIVAL_EXCLUDES(lock_);
    // Takes back pages of a page cache, those that are this zone's. How many that were.
    std::size_t free_cached(std::span<const PageHandle> pages) PERCIVAL_EXCLUDES(lock_);

    u64 free_pages() PERCIVAL_EXCLUDES(lock_);
    // What was free when the zone was made.
    u64 managed_pages() const { return managed_pages_; }

private:
    u32 index_of(PhysAddr page) const { return static_cast<u32>((page - base_).count() >> page_shift_); }
    PhysAddr address_of_index(u64 index) const { return base_ + Bytes{index << page_shift_}; }
    PhysRange within_bank(PhysRange range) const;
    std::optional<u32> allocate_or_learn(PageOrder order) PERCIVAL_REQUIRES(lock_);
    // Initializes descriptors until there is something new on the free lists. False: there are no more.
    bool learn() PERCIVAL_REQUIRES(lock_);
    void learn_block(u64 first) PERCIVAL_REQUIRES(lock_);

    PhysRange bank_{};
    PhysAddr base_{};
    NumaNode node_{};
    unsigned page_shift_{0};
    PageDescriptor* descriptors_{nullptr};
    std::span<const EarlyMemory::FreeRange> ranges_{};
    u64 managed_pages_{0};
    std::atomic<u64> known_{0};
    SpinLock lock_{};
    Buddy buddy_ PERCIVAL_GUARDED_BY(lock_){};
    u64 unknown_free_pages_ PERCIVAL_GUARDED_BY(lock_){0};
};

} // namespace percival::mm
