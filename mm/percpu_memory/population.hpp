// SPDX-License-Identifier: BSD-2-Clause
// Which pages of a percpu chunk's units have memory behind them: one answer for all CPUs, since a page is
// populated in every unit or in none. Pure bookkeeping beside a ChunkMap, which knows which of them are
// in use.
//
//      populated   ######..####....      pages with memory
//      idle        ..####.###########    pages nobody touches (the map's idle blocks)
//      empty       ..####...###          both: their memory can go, and is what an atomic caller may have
//
// The bitmap has a bit for each block of the map, and a page is 1, 4 or 16 of them, all alike. So it says
// directly where the map may allocate for a caller that cannot wait for pages.
//
// The caller serializes calls. Any context, on the host too.
//
// INV-percpu_population-1: the bits of one page are all set or all clear; those beyond the unit are clear.
#pragma once

#include "mm/percpu_memory/chunk_map.hpp"

namespace percival::percpu {

// The pages [begin, end) of each unit.
struct Pages {
    u32 begin;
    u32 end;

    constexpr u32 count() const { return end - begin; }
    friend constexpr bool operator==(Pages, Pages) = default;
};

class Population : Immovable {
public:
    // No page is populated. `words` has a bit for each block (ChunkMap::block_words()) and is the
    // population's from now on; the unit consists of whole pages.
    Population(std::span<u64> words, Bytes unit, Bytes page);

    u32 page_count() const { return blocks_ / blocks_per_page_; }
    Pages all_pages() const { return {0, page_count()}; }
    // The pages that an allocation lies in.
    Pages pages_of(Bytes offset, Bytes size) const;

    bool is_populated(u32 page) const { return bit_is_set(words_, page * blocks_per_page_); }
    u32 populated_pages() const;
    // Where ChunkMap::allocate() may allocate without a page being populated.
    std::span<const u64> populated_blocks() const { return words_; }

    // All pages of the range get memory, or lose it.
    void populate(Pages pages);
    void depopulate(Pages pages);

    // The first run of pages in the range that have no memory; an empty one at the range's end if all have.
    // What follows is found by asking for the rest of the range.
    Pages next_missing(Pages range) const;

    // Pages that are populated and that no allocation touches.
    u32 empty_pages(const ChunkMap& map) const;
    // The last run of empty pages that lies below page `before`, to depopulate a chunk from its end; an empty
    // one at 0 if there is none.
    Pages last_empty(const ChunkMap& map, u32 before) const;

private:
    // A bit for each page, at its first block: all its blocks are set in `blocks`.
    u64 whole_pages(u64 blocks) const;

    std::span<u64> words_;
    u32 blocks_;
    u32 blocks_per_page_;
};

} // namespace percival::percpu
