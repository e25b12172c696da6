// SPDX-License-Identifier: BSD-2-Clause
// The blocks of physical pages that make up one allocation, in order. A few fit in the object itself; more go
// to pages of notes, one after the other, so that there is no limit.
//
// Any context in which pages can be allocated; one owner at a time.
#pragma once

#include "mm/physical/page_order.hpp"

#include <array>

namespace percival::mm {

class PageBlocks : Immovable {
public:
    constexpr PageBlocks() = default;

    // False: no memory for the note, and nothing has changed.
    [[nodiscard]] bool push(PhysAddr block, PageOrder order)
    {
        if (count_ == kInline) [[unlikely]]
            return push_to_notes(pack(block, order));
        inline_[count_++] = pack(block, order);
        return true;
    }

    bool is_empty() const { return count_ == 0; }

    // Gives all blocks back to the page allocator.
    void free_all();

private:
    // More than these, and a page of notes is the price: enough for any power of two in one block, and for
    // most sizes below a megabyte.
    static constexpr u32 kInline = 3;
    struct Notes;

    // The order stands in the bits that a page's address leaves free.
    static constexpr u64 pack(PhysAddr block, PageOrder order) { return block.raw() | order.number(); }
    static void free_one(u64 packed);
    [[gnu::cold]] bool push_to_notes(u64 packed);

    std::array<u64, kInline> inline_{};
    Notes* notes_{nullptr};
    u32 count_{0};
};

} // namespace percival::mm
