// SPDX-License-Identifier: BSD-2-Clause
// The map of a percpu chunk, which says which grains are in use. An allocation lies at the same offset in
// every CPU's unit, so there is one map for all CPUs. The map is pure bookkeeping: it knows offsets, but no
// addresses, pages or locks.
//
//      used      ....########....##      a bit per grain that is set if the grain is in use
//      starts    ....#....#......#.      a bit per grain that is set if an allocation begins there:
//                                        here three allocations, of 5, 3 and 2 grains
//      blocks    a summary (Block) of each 1024 grains
//
// With the starts, free() finds the size of the allocation, and refuses an offset at which no allocation
// begins.
//
// allocate() takes the first place that fits. It walks over the blocks from the first that is not full, and
// reads the bits of a block only if the block's summary says that there is room. free() reads only the bits
// around the freed grains. Both update the summaries instead of computing them anew. When they break up the
// longest run, they scan one block or, at worst, the summaries of all blocks for the new longest run.
//
// The caller serializes calls by a lock of its own. Any context; runs on the host too.
//
// Invariants:
// * A set bit of `starts` is set in `used`. Each allocation consists of one start and the grains up to the
//   next grain that is a start or not in use.
// * Grains outside the allocatable part are always in use. The first grain behind it is a start, so that the
//   last allocation has an end.
// * Every Block, runs_ and the idle bits agree with the bits (INV-percpu_block-1, INV-percpu_free_runs-1). No
//   block below first_block_ has a free grain.
#pragma once

#include "mm/percpu_memory/block.hpp"

#include <expected>
#include <optional>

namespace percival::percpu {

enum class FreeError : u8 {
    OutOfRange,   // the offset is not in the allocatable part of the chunk
    Misaligned,   // the offset is not a multiple of a grain
    NotAllocated, // the grain is free
    NotTheStart,  // the grain is inside an allocation
};

class ChunkMap : Immovable {
public:
    // The memory of a map, which may be uninitialized and must outlive the map.
    struct Storage {
        std::span<u64> words;
        std::span<Block> blocks;
    };
    static constexpr u32 blocks_of(Bytes unit)
    {
        return static_cast<u32>(unit.count() / Block::kSize.count());
    }
    // Return the number of words of a bitmap with a bit per block, and of all bitmaps of a map.
    static constexpr u32 block_words(u32 blocks) { return (blocks + kWordBits - 1) / kWordBits; }
    static constexpr u32 words_for(u32 blocks) { return 2 * blocks * Block::kWords + block_words(blocks); }

    // Makes a map of a unit that has the size of all blocks of the storage. Only [begin, end) of it can be
    // allocated; the rest of the unit has other uses. Both are multiples of a grain.
    ChunkMap(Storage storage, Bytes begin, Bytes end);

    // Allocates the first place that fits and returns its offset, or nothing. If `within` is not empty, the
    // allocation lies only in blocks whose bit is set in it.
    std::optional<Bytes> allocate(Request request, std::span<const u64> within = {});
    // Does what allocate() does for up to offsets.size() equal requests, and returns the number of
    // allocations. If the size is a multiple of the alignment, this is much cheaper than to call allocate()
    // for each.
    u32 allocate_many(Request request, std::span<Bytes> offsets, std::span<const u64> within = {});

    // Frees the allocation that begins at the offset and returns its size. An error changes nothing.
    std::expected<Bytes, FreeError> free(Bytes offset);
    // Frees the allocations at the offsets, in order, up to the first offset at which none begins. Neighbours
    // that follow each other in either direction are freed in one piece.
    struct FreedMany {
        u32 count;
        std::optional<FreeError> error;
    };
    FreedMany free_many(std::span<const Bytes> offsets);

    // Returns the size of the allocation that begins at the offset, or the error that free() would return.
    std::expected<Bytes, FreeError> size_at(Bytes offset) const;

    Bytes unit_size() const { return Block::kSize * block_count(); }
    Bytes allocatable_size() const { return kGrain * (end_ - begin_); }
    Bytes free_bytes() const { return kGrain * runs_.free; }
    Bytes largest_free() const { return kGrain * runs_.largest; }
    Bytes largest_free_offset() const { return kGrain * runs_.largest_at; }
    bool is_unused() const { return runs_.free == end_ - begin_; }

    // Returns a bitmap with a bit for each block. The bit is set if all grains of the block are free.
    std::span<const u64> idle_blocks() const { return idle_; }

    u32 block_count() const { return static_cast<u32>(blocks_.size()); }
    const Block& block(u32 index) const { return blocks_[index]; }
    // Return the bitmaps, for dumps and checks.
    std::span<const u64> used() const { return used_; }
    std::span<const u64> starts() const { return starts_; }

private:
    static constexpr u32 block_of(u32 grain) { return grain / Block::kGrains; }
    static constexpr Bytes bytes_of(u32 grain) { return kGrain * grain; }
    Block::Bits bits_of(u32 block) const
    {
        return Block::Bits{used_.data() + block * Block::kWords, Block::kWords};
    }

    std::optional<u32> find(Request request, u32 from_block, std::span<const u64> within) const;
    // Returns the end of the allocation that begins at the grain `begin`.
    u32 end_of_allocation(u32 begin) const;
    std::optional<GrainRun> allocation_at(Bytes offset) const;
    // Returns what is wrong with an offset at which no allocation begins.
    FreeError error_at(Bytes offset) const;
    // Marks free grains as in use.
    void take(GrainRun run);
    // Frees whole allocations. An empty run is allowed.
    void put(GrainRun run);
    void find_largest();
    template <class Visit>
    static void for_blocks_of(GrainRun run, Visit visit);

    std::span<u64> used_;
    std::span<u64> starts_;
    std::span<u64> idle_;
    std::span<Block> blocks_;
    u32 begin_;
    u32 end_;
    u32 first_block_{0};
    FreeRuns runs_{};
};

} // namespace percival::percpu
