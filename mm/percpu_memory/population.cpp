// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/population.hpp"

#include <algorithm>

namespace percival::percpu {

Population::Population(std::span<u64> words, Bytes unit, Bytes page)
    : words_{words}, blocks_{ChunkMap::blocks_of(unit)}, blocks_per_page_{ChunkMap::blocks_of(page)}
{
    std::ranges::fill(words_, 0);
}

Pages Population::pages_of(Bytes offset, Bytes size) const
{
    const u64 page = blocks_per_page_ * Block::kSize.count();
    return {static_cast<u32>(offset.count() / page),
            static_cast<u32>((offset.count() + size.count() + page - 1) / page)};
}

u32 Population::populated_pages() const
{
    u32 blocks = 0;
    for (const u64 word : words_)
        blocks += static_cast<u32>(std::popcount(word));
    return blocks / blocks_per_page_;
}

void Population::populate(Pages pages)
{
    set_bits(words_, pages.begin * blocks_per_page_, pages.end * blocks_per_page_);
}

void Population::depopulate(Pages pages)
{
    clear_bits(words_, pages.begin * blocks_per_page_, pages.end * blocks_per_page_);
}

Pages Population::next_missing(Pages range) const
{
    const u32 limit = range.end * blocks_per_page_;
    const u32 begin = find_clear(words_, range.begin * blocks_per_page_, limit);
    return {begin / blocks_per_page_, find_set(words_, begin, limit) / blocks_per_page_};
}

u64 Population::whole_pages(u64 blocks) const
{
    return starts_of_runs(blocks, blocks_per_page_) & multiples_in_word(blocks_per_page_);
}

u32 Population::empty_pages(const ChunkMap& map) const
{
    u32 pages = 0;
    for (u32 word = 0; word < words_.size(); ++word)
        pages += static_cast<u32>(std::popcount(whole_pages(words_[word] & map.idle_blocks()[word])));
    return pages;
}

Pages Population::last_empty(const ChunkMap& map, u32 before) const
{
    const auto is_empty = [this, &map](u32 page) {
        const u32 block = page * blocks_per_page_;
        const u64 word = words_[block / kWordBits] & map.idle_blocks()[block / kWordBits];
        return (whole_pages(word) >> block % kWordBits & 1) != 0;
    };
    u32 end = before;
    while (end > 0 && !is_empty(end - 1))
        --end;
    u32 begin = end;
    while (begin > 0 && is_empty(begin - 1))
        --begin;
    return {begin, end};
}

} // namespace percival::percpu
