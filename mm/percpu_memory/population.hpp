// SPDX-License-Identifier: BSD-2-Clause
// The population of a percpu chunk: which pages of its units have memory. A page is populated in every CPU's
// unit or in none, so there is one bitmap for all CPUs. Pure bookkeeping beside a ChunkMap, which knows which
// pages are in use.
//
//      populated   ######..####....      pages with memory
//      idle        ..####...#######      pages whose grains are all free (the map's idle blocks)
//      empty       ..####...###....      pages that are both: a reserve for atomic callers, or to be freed
//
// The bitmap has a bit for each block of the map. A page is 1, 4 or 16 blocks, whose bits are equal. So the
// map can use the bitmap directly to allocate for a caller that cannot wait for pages.
//
// The caller serializes calls. Any context; runs on the host too.
//
// Invariant: the bits of one page are all set or all clear, and bits beyond the unit are clear.
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
    // Starts with no page populated. `words` has a bit for each block (ChunkMap::block_words()), may be
    // uninitialized and must outlive the population. The unit consists of whole pages.
    Population(std::span<u64> words, Bytes unit, Bytes page);

    u32 page_count() const { return blocks_ / blocks_per_page_; }
    Pages all_pages() const { return {0, page_count()}; }
    // Returns the pages that an allocation reaches into.
    Pages pages_of(Bytes offset, Bytes size) const;

    bool is_populated(u32 page) const { return bit_is_set(words_, page * blocks_per_page_); }
    u32 populated_pages() const;
    // Returns the blocks that have memory, as `within` for ChunkMap::allocate().
    std::span<const u64> populated_blocks() const { return words_; }

    // Record that all pages of the range have memory, or that none has.
    void populate(Pages pages);
    void depopulate(Pages pages);

    // Returns the first run of pages in the range that have no memory, or an empty run at the range's end. To
    // find the next run, the caller asks for the rest of the range.
    Pages next_missing(Pages range) const;

    // Returns the number of empty pages: populated pages whose grains are all free.
    u32 empty_pages(const ChunkMap& map) const;
    // Returns the last run of empty pages below page `before`, or an empty run at 0. A chunk is depopulated
    // from its end.
    Pages last_empty(const ChunkMap& map, u32 before) const;

private:
    // Returns a word in which the bit of a page's first block is set if `blocks` has all blocks of the page.
    u64 whole_pages(u64 blocks) const;

    std::span<u64> words_;
    u32 blocks_;
    u32 blocks_per_page_;
};

} // namespace percival::percpu
