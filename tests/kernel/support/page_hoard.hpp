// SPDX-License-Identifier: BSD-2-Clause
// A PageHoard holds any number of blocks of pages for a test. It notes them in pages of its own and touches
// no other page. So a test can hold all memory of a large machine without the emulator having to provide it.
// The destructor frees what is left.
#pragma once

#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/physical/page_poison.hpp"

#include <array>

namespace percival {

class PageHoard : Immovable {
public:
    PageHoard() = default;
    ~PageHoard() { free_all(); }

    // Take a block; take_near() tries the memory of `node` first. Return false if there is none, or no page
    // for notes.
    bool take(mm::PageOrder order) { return make_room() && note_down(mm::allocate_pages(order), order); }
    bool take_near(mm::NumaNode node, mm::PageOrder order)
    {
        return make_room() && note_down(mm::allocate_pages_near(node, order), order);
    }
    // Tests take no more than this. They write to each block, for which the emulator's host has to find
    // memory, 2 MiB at a time; and in debug builds the allocator poisons all of it.
    static constexpr Bytes kMax = mm::kPoisonFreedMemory ? 2_GiB : 16_GiB;

    // Takes all memory that is free, the largest blocks first.
    void take_everything()
    {
        for (mm::PageOrder order = mm::kMaxPageOrder;; order = order.down()) {
            while (take(order)) {
            }
            if (order == mm::kOnePage)
                return;
        }
    }

    // Frees all blocks and notes.
    void free_all()
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

    // Returns the number of pages held, including those for notes.
    u64 pages() const { return pages_; }
    // Returns the block taken last.
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

    // Makes sure that there is room for one more note. Returns false if there is no page for it.
    bool make_room()
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
