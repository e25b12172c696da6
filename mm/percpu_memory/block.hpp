// SPDX-License-Identifier: BSD-2-Clause
// Summary of one block of a percpu chunk's allocation bitmap. A block has 1024 grains: 4 KiB of each CPU's
// memory and 16 words of the bitmap. So a page of the smallest granule is one block, and pages of the other
// granules are several whole blocks. ('.' is a free grain, '#' a grain in use.)
//
//      block 0                      block 1                      block 2
//      |##..####......####.....|........................|...#######..####|
//         ^     largest   right left = right = largest   left           right = 0
//         first                 = 1024: idle
//
// left() and right() give the length of a run of free grains that crosses blocks, without reading the bitmap:
// here right(0) + 1024 + left(2). A search looks at the left edge, the inside and the right edge of each
// block of a chunk, and in the same way at those of each word of a block.
//
// The caller serializes calls. Any context; runs on the host too. Positions are grains from the block's
// start.
//
// INV-percpu_block-1: free(), largest(), left(), right() and first() agree exactly with the bits. first() is
//     kGrains if no grain is free.
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

    // The block's words of the allocation bitmap. A set bit is a grain in use.
    using Bits = std::span<const u64, kWords>;

    // A block without a free grain.
    constexpr Block() = default;
    // Computes the summary from the bits.
    constexpr explicit Block(Bits used);

    constexpr u32 free() const { return runs_.free; }
    constexpr u32 largest() const { return runs_.largest; }
    constexpr u32 largest_at() const { return runs_.largest_at; }
    constexpr u32 left() const { return left_; }
    constexpr u32 right() const { return right_; }
    constexpr u32 first() const { return first_; }
    constexpr bool is_idle() const { return runs_.free == kGrains; }

    // Updates the summary after the caller has set the bits of `taken`, which were clear.
    constexpr void take(GrainRun taken, Bits used);
    // Updates the summary after the caller has cleared the bits of `freed`, which were set. Returns the run
    // of free grains in this block that `freed` is part of now.
    constexpr GrainRun put(GrainRun freed, Bits used);

    // Returns the first aligned place for the request that lies entirely in the block. The alignment must be
    // below a block's size; a larger one fits only at the left edge, where the caller looks. Useful only if
    // largest() is long enough; even then the alignment may leave no place.
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
    // Finds the other end of the longest run, which may be most of the block, without scanning it.
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

// Scans the block word by word. `open` is the free run that ends where the scanned words end.
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
        // Looks inside the word only for runs longer than the longest so far, which are rare.
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
    // The bits of a word at which the place may begin inside the word. There are none if the request is
    // longer than a word, or if its alignment allows only the left edge of a word.
    const bool may_be_inside = length <= kWordBits && request.alignment() < kWordBits;
    const u64 aligned = may_be_inside ? multiples_in_word(request.alignment()) : 0;
    u32 open = 0; // the length of the free run that ends where the word begins
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
