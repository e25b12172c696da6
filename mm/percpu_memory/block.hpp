// SPDX-License-Identifier: BSD-2-Clause
// What is known about one block of a percpu chunk's allocation bitmap: 1024 grains, which is 4 KiB of each
// CPU's memory, 16 words of the map, a page of the smallest granule and a whole part of the others'. ('.' is
// a free grain, '#' one in use.)
//
//      block 0                      block 1                      block 2
//      |##..####......####.....|........................|...#######..####|
//         ^     largest   right left = right = largest   left           right = 0
//         first                 = 1024: idle
//
// A run of free grains that goes over block boundaries is right(0) + 1024 + left(2): the edges of neighbours,
// with no look at the map. A search does the same with the words of a block as it does with the blocks of a
// chunk: left edge, inside, right edge.
//
// The caller serializes calls. Any context, on the host too. Positions are grains from the block's start.
//
// INV-percpu_block-1: free, largest, left and right are exact, never estimates: the runs are those of the
//                     bits.
// INV-percpu_block-2: `first` is the first free grain, kGrains if there is none.
#pragma once

#include "kernel/lib/bitmap.hpp"
#include "mm/percpu/request.hpp"
#include "mm/percpu_memory/free_runs.hpp"

#include <optional>

namespace percival::percpu {

class Block {
public:
    static constexpr u32 kGrains = 1024;
    static constexpr u32 kWords = kGrains / kWordBits;
    static constexpr Bytes kSize = kGrain * kGrains;

    // The block's words of the allocation bitmap; a set bit is a grain in use.
    using Bits = std::span<const u64, kWords>;

    // Nothing is free.
    constexpr Block() = default;
    // From the bits alone.
    constexpr explicit Block(Bits used);

    constexpr u32 free() const { return runs_.free; }
    constexpr u32 largest() const { return runs_.largest; }
    constexpr u32 largest_at() const { return runs_.largest_at; }
    constexpr u32 left() const { return left_; }
    constexpr u32 right() const { return right_; }
    constexpr u32 first() const { return first_; }
    constexpr bool is_idle() const { return runs_.free == kGrains; }

    // These grains were free and their bits have just been set.
    constexpr void take(GrainRun taken, Bits used);
    // These grains were in use and their bits have just been cleared. The run of free grains they are part of
    // now.
    constexpr GrainRun put(GrainRun freed, Bits used);

    // The first aligned place for the request that lies in the block as a whole. For alignments below a
    // block's size: all others have their only chance at the left edge. To be asked when largest() is long
    // enough; even so there may be none, for the alignment.
    constexpr std::optional<u32> find(Request request, Bits used) const;

private:
    constexpr void find_largest(Bits used);

    FreeRuns runs_{};
    u32 left_{0};
    u32 right_{0};
    u32 first_{kGrains};
};

constexpr Block::Block(Bits used)
    : left_{find_set(used, 0, kGrains)}, right_{kGrains - find_end_before(used, kGrains, 0)},
      first_{find_clear(used, 0, kGrains)}
{
    for (const u64 word : used)
        runs_.free += static_cast<u32>(std::popcount(~word));
    find_largest(used);
}

constexpr void Block::take(GrainRun taken, Bits used)
{
    left_ = std::min(left_, taken.begin);
    right_ = std::min(right_, kGrains - taken.end);
    if (taken.begin == first_)
        first_ = find_clear(used, taken.end, kGrains);
    if (!runs_.take(taken))
        find_largest(used);
}

constexpr GrainRun Block::put(GrainRun freed, Bits used)
{
    // The longest run, which may be most of the block, need not be looked through to find its other end.
    GrainRun run = runs_.joined_to_largest(freed);
    run = {find_end_before(used, run.begin, 0), find_set(used, run.end, kGrains)};
    if (run.begin == 0)
        left_ = run.end;
    if (run.end == kGrains)
        right_ = run.length();
    first_ = std::min(first_, freed.begin);
    runs_.put(freed.length(), run);
    return run;
}

// Word by word: `open` is the run that reaches the end of the words seen so far.
constexpr void Block::find_largest(Bits used)
{
    runs_.largest = 0;
    GrainRun open{0, 0};
    for (u32 word = 0; word < kWords; ++word) {
        const u64 free = ~used[word];
        const u32 base = word * kWordBits;
        open.end = base + static_cast<u32>(std::countr_one(free));
        runs_.propose(open);
        if (free == ~u64{0})
            continue;
        // Inside the word only what beats the longest so far is of interest: rarely anything.
        while (runs_.largest < kWordBits) {
            const u64 starts = starts_of_runs(free, runs_.largest + 1);
            if (starts == 0)
                break;
            const u32 at = base + static_cast<u32>(std::countr_zero(starts));
            runs_.propose({at, at + runs_.largest + 1});
        }
        const u32 end = base + kWordBits;
        open = {end - static_cast<u32>(std::countl_one(free)), end};
    }
}

constexpr std::optional<u32> Block::find(Request request, Bits used) const
{
    const u32 length = request.grains();
    // Where inside a word it may begin. A start that is aligned to a word is at its left edge, and what is
    // longer than a word is not inside one.
    const bool may_be_inside = length <= kWordBits && request.alignment() < kWordBits;
    const u64 aligned = may_be_inside ? multiples_in_word(request.alignment()) : 0;
    u32 open = 0; // how many grains before the word are free without a gap
    for (u32 word = first_ / kWordBits; word < kWords; ++word) {
        const u64 free = ~used[word];
        const u32 base = word * kWordBits;
        const u32 start = request.align_up(base - open);
        if (start + length <= base + static_cast<u32>(std::countr_one(free)))
            return start;
        if (free == ~u64{0}) {
            open += kWordBits;
            continue;
        }
        if (aligned != 0) {
            const u64 starts = starts_of_runs(free, length) & aligned;
            if (starts != 0)
                return base + static_cast<u32>(std::countr_zero(starts));
        }
        open = static_cast<u32>(std::countl_one(free));
    }
    return std::nullopt;
}

static_assert(Block::kSize == 4_KiB);

} // namespace percival::percpu
