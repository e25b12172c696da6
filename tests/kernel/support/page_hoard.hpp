// SPDX-License-Identifier: BSD-2-Clause
// Blocks of pages that a test holds, however many. It notes them down in pages of its own and touches no
// other, so that all of a large machine's memory can be held without an emulator having to provide it. What
// is left when it ends goes back.
#pragma once

#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/physical/page_poison.hpp"

#include <array>

namespace percival {

class PageHoard : Immovable {
public:
    PageHoard() = default;
    ~PageHoard() { give_back(); }

    // Takes a block, of the node's memory first. False: there is none, or no page to note it down.
    bool take(mm::PageOrder order) { return has_room() && note_down(mm::allocate_pages(order), order); }
    bool take_near(mm::NumaNode node, mm::PageOrder order)
    {
        return has_room() && note_down(mm::allocate_pages_near(node, order), order);
    }
    // More than this is not taken in a test: it writes to each block, for which an emulator's host has to
    // find memory, 2 MiB at a time; and in debug builds the allocator poisons all of it.
    static constexpr Bytes kMax = mm::kPoisonFreedMemory ? 2_GiB : 16_GiB;

    // Takes all memory there is, the largest blocks first.
    void take_everything()
    {
        for (mm::PageOrder order = mm::kMaxPageOrder;; order = order.down()) {
            while (take(order)) {
            }
            if (order == mm::kOnePage)
                return;
        }
    }
    void give_back()
    {
        while (notes_ != nullptr) {
            for (u64 at = 0; at < notes_->count; ++at)
                mm::free_pages(notes_->blocks[at], notes_->orders[at]);
            Notes* previous = notes_->previous;
            mm::free_page(mm::linear_to_physical(address_of(notes_)));
            notes_ = previous;
        }
        pages_ = 0;
    }

    // Pages held, those for the notes included.
    u64 pages() const { return pages_; }
    // The block taken last.
    PhysAddr last() const { return notes_->blocks[notes_->count - 1]; }

private:
    struct Notes {
        static constexpr u64 kMax = mm::KernelGeometry::kPageSize.count() / 10;
        Notes* previous;
        u64 count;
        std::array<PhysAddr, kMax> blocks;
        std::array<mm::PageOrder, kMax> orders;
    };
    static_assert(sizeof(Notes) <= mm::KernelGeometry::kPageSize.count());

    bool has_room()
    {
        if (notes_ != nullptr && notes_->count < Notes::kMax)
            return true;
        const auto page = mm::allocate_page();
        if (!page)
            return false;
        notes_ = new (mm::linear_pointer<void>(*page)) Notes{notes_, 0, {}, {}};
        ++pages_;
        return true;
    }
    bool note_down(std::optional<PhysAddr> block, mm::PageOrder order)
    {
        if (!block)
            return false;
        notes_->blocks[notes_->count] = *block;
        notes_->orders[notes_->count++] = order;
        pages_ += order.pages();
        return true;
    }

    Notes* notes_{nullptr};
    u64 pages_{0};
};

} // namespace percival
