// SPDX-License-Identifier: BSD-2-Clause
// PageBlocks lists the blocks of physical pages that make up one allocation, in order. A few fit into the
// object itself. More go to a linked list of pages, so there is no limit.
//
// Any context in which pages can be allocated. The object has one owner at a time and no lock.
#pragma once

#include "mm/physical/page_order.hpp"

#include <array>

namespace percival::mm {

class PageBlocks : Immovable {
public:
    constexpr PageBlocks() = default;

    // Appends a block, which belongs to the object from then on. Returns false, and changes nothing, if there
    // is no memory to note it in.
    [[nodiscard]] bool push(PhysAddr block, PageOrder order)
    {
        if (count_ == kInline) [[unlikely]]
            return push_to_notes(pack(block, order));
        inline_[count_++] = pack(block, order);
        return true;
    }

    bool is_empty() const { return count_ == 0; }

    // Frees all blocks and forgets them.
    void free_all();

private:
    // Number of blocks that need no page of notes: enough for any power of two in one block, and for most
    // sizes below a megabyte.
    static constexpr u32 kInline = 3;
    struct Notes;

    // Packs a block into a word: the order stands in the low bits, which are 0 in a page's address.
    static constexpr u64 pack(PhysAddr block, PageOrder order) { return block.raw() | order.number(); }
    static void free_one(u64 packed);
    [[gnu::cold]] bool push_to_notes(u64 packed);

    std::array<u64, kInline> inline_{};
    Notes* notes_{nullptr};
    u32 count_{0};
};

} // namespace percival::mm
