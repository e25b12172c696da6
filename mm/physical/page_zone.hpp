// SPDX-License-Identifier: BSD-2-Clause
// The free pages of one bank of RAM, under one lock. Banks far apart are separate zones, so that the hole
// between them costs no descriptors.
//
// The zone initializes descriptors one block of the largest order at a time, when the free lists have run
// dry. So boot touches no descriptor, however much memory there is, and memory that is never used costs only
// the addresses of its descriptors. The descriptors below known_pages() are initialized; that part grows from
// the start of the zone and never shrinks.
//
// Any context: the lock is taken with interrupts masked. The zone never touches the pages themselves.
//
// Invariants:
// * Pages at or above known_pages() have never been handed out, and their descriptors are garbage.
// * free_pages() is exactly the number of pages on free lists and in free ranges that are not yet
//   initialized.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/physical/buddy.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/physical/numa.hpp"

#include <atomic>
#include <span>

namespace percival::mm {

// A page together with its descriptor, so that the holder needs no look-up.
struct PageHandle {
    PhysAddr page;
    PageDescriptor* descriptor;
};

// Whether the machine had the memory of a zone at boot, or it was added later (mm/hot_memory/hot_memory.hpp).
enum class ZoneOrigin : u8 { Boot, Added };

class PageZone : Immovable {
public:
    // The number of pages that a descriptor's links can name, less a block for the alignment of the start.
    static constexpr u64 kMaxPages = PageState::kNoIndex + u64{1} - 2 * u64{kMaxPageOrder.pages()};

    constexpr PageZone() = default;

    // Returns the number of descriptors that a zone for `bank` needs. They cover whole blocks of the largest
    // order.
    static u64 descriptors_for(PhysRange bank, unsigned page_shift);

    // Initializes the zone, before any other use, and again after forget(). `free` holds the free ranges,
    // sorted, in whole pages; the zone ignores those outside `bank`. Both arrays belong to the zone from now
    // on. The descriptors need no initialization.
    void init(PhysRange bank, NumaNode node, unsigned page_shift, PageDescriptor* descriptors,
              std::span<const EarlyMemory::FreeRange> free, ZoneOrigin origin = ZoneOrigin::Boot);
    // Makes the zone unused. No other CPU has it.
    void forget() { bank_ = {}; }

    PhysRange bank() const { return bank_; }
    NumaNode node() const { return node_; }
    ZoneOrigin origin() const { return origin_; }
    // The address of the page with index 0: at or below the start of the bank.
    PhysAddr base() const { return base_; }
    PageDescriptor* descriptors() const { return descriptors_; }
    u64 known_pages() const { return known_.load(std::memory_order_acquire); }
    // Returns the descriptor of a page of the bank; null while it is not initialized.
    PageDescriptor* find(PhysAddr page) const;

    // Returns a block in the state Allocated; nothing when no free block is large enough.
    std::optional<PhysAddr> allocate(PageOrder order) PERCIVAL_EXCLUDES(lock_);
    // Fills `pages` with single pages in the state Cached, for a page cache. Returns how many pages there
    // were.
    std::size_t allocate_cached(std::span<PageHandle> pages) PERCIVAL_EXCLUDES(lock_);
    // Frees a block whose state is already None: the caller has claimed it by compare-exchange.
    void free(PhysAddr page, PageOrder order) PERCIVAL_EXCLUDES(lock_);
    // Frees those of a page cache's `pages` that belong to this zone. Returns their number.
    std::size_t free_cached(std::span<const PageHandle> pages) PERCIVAL_EXCLUDES(lock_);

    // Close the zone for a removal: it hands out nothing from then on, until open(), but takes back what is
    // freed. Its pages that are freed go to no page cache.
    void close() PERCIVAL_EXCLUDES(lock_);
    void open() PERCIVAL_EXCLUDES(lock_);
    bool is_closed() const { return closed_.load(std::memory_order_relaxed); }

    u64 free_pages() PERCIVAL_EXCLUDES(lock_);
    // The number of pages that were free when the zone was initialized.
    u64 managed_pages() const { return managed_pages_; }

private:
    friend class PageZones;

    u32 index_of(PhysAddr page) const { return static_cast<u32>((page - base_).count() >> page_shift_); }
    PhysAddr address_of_index(u64 index) const { return base_ + Bytes{index << page_shift_}; }
    PhysRange within_bank(PhysRange range) const;
    std::optional<u32> allocate_or_learn(PageOrder order) PERCIVAL_REQUIRES(lock_);
    // Initializes descriptors until the free lists have grown. Returns false if no descriptors are left.
    bool learn() PERCIVAL_REQUIRES(lock_);
    void learn_block(u64 first) PERCIVAL_REQUIRES(lock_);

    PhysRange bank_{};
    PhysAddr base_{};
    NumaNode node_{};
    ZoneOrigin origin_{ZoneOrigin::Boot};
    unsigned page_shift_{0};
    PageDescriptor* descriptors_{nullptr};
    std::span<const EarlyMemory::FreeRange> ranges_{};
    u64 managed_pages_{0};
    std::atomic<PageZone*> next_{nullptr}; // the next zone of PageZones
    std::atomic<bool> closed_{false};      // changes under the lock only
    std::atomic<u64> known_{0};
    SpinLock lock_{};
    Buddy buddy_ PERCIVAL_GUARDED_BY(lock_){};
    u64 unknown_free_pages_ PERCIVAL_GUARDED_BY(lock_){0};
};

} // namespace percival::mm
