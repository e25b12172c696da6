// SPDX-License-Identifier: BSD-2-Clause
// Which grains of a percpu chunk are in use: one map for all CPUs, since an allocation lies at the same
// offset in every CPU's unit. Pure bookkeeping: it knows offsets only, no addresses, pages or locks.
//
//      used      ....########....##      a bit per grain: in use
//      starts    ....#....#......#.      of those, the first of each allocation: here 5, 3 and 2 grains
//      blocks    what Block knows about each 1024 grains
//
// The starts give free() the size of what it frees, and tell a right offset from a wrong one and a first free
// from a second.
//
// allocate() takes the first place that fits. It walks over the blocks from the first that is not full and
// looks at the bits of a block only where the block says that there is room. free() is a look at the bits
// around what is freed. Both correct what is known instead of computing it anew, which one block or, at the
// worst, one walk over the blocks' edges pays for when the longest run is broken up.
//
// The caller serializes calls (a lock of its own). Any context, on the host too.
//
// INV-percpu_chunk_map-1: a set bit of `starts` is set in `used`. Each allocation is one start and the grains
//                         up to the next grain that is a start or not in use.
// INV-percpu_chunk_map-2: grains outside the allocatable part are in use from the start, for ever; the first
//                         behind it is a start, so that the last allocation has an end.
// INV-percpu_chunk_map-3: every Block, runs_ and the idle bits agree with the bits (INV-percpu_block-1,
//                         INV-percpu_free_runs-1); no block below first_block_ has a free grain.
#pragma once

#include "mm/percpu_memory/block.hpp"

#include <expected>
#include <optional>

namespace percival::percpu {

enum class FreeError : u8 {
    OutOfRange,   // not in the allocatable part of the chunk
    Misaligned,   // not at a grain's first byte
    NotAllocated, // freed already, or never allocated
    NotTheStart,  // inside an allocation
};

class ChunkMap : Immovable {
public:
    // What a map of so many blocks needs, uninitialized, for as long as it lives.
    struct Storage {
        std::span<u64> words;
        std::span<Block> blocks;
    };
    static constexpr u32 blocks_of(Bytes unit)
    {
        return static_cast<u32>(unit.count() / Block::kSize.count());
    }
    // A bit per block.
    static constexpr u32 block_words(u32 blocks) { return (blocks + kWordBits - 1) / kWordBits; }
    static constexpr u32 words_for(u32 blocks) { return 2 * blocks * Block::kWords + block_words(blocks); }

    // Of the unit, whose size is that of the storage's blocks, only [begin, end) can be allocated: what lies
    // before and behind belongs to somebody else. Both are multiples of a grain.
    ChunkMap(Storage storage, Bytes begin, Bytes end);

    // The offset of a free place, the first that fits. `within`, if it is not empty, has a bit for each block
    // in which the allocation may lie.
    std::optional<Bytes> allocate(Request request, std::span<const u64> within = {});
    // The same for several of a kind at once; how many there was room for. Much cheaper than one by one,
    // where the size is a multiple of the alignment.
    u32 allocate_many(Request request, std::span<Bytes> offsets, std::span<const u64> within = {});

    // What was allocated at the offset; its size. In case of an error nothing has changed.
    std::expected<Bytes, FreeError> free(Bytes offset);
    // Several, in the order given, up to the first that is wrong. Neighbours that follow each other in either
    // direction are freed in one piece.
    struct FreedMany {
        u32 count;
        std::optional<FreeError> error;
    };
    FreedMany free_many(std::span<const Bytes> offsets);

    // The size of what is allocated at the offset, or what free() would say.
    std::expected<Bytes, FreeError> size_at(Bytes offset) const;

    Bytes unit_size() const { return Block::kSize * block_count(); }
    Bytes allocatable_size() const { return kGrain * (end_ - begin_); }
    Bytes free_bytes() const { return kGrain * runs_.free; }
    Bytes largest_free() const { return kGrain * runs_.largest; }
    Bytes largest_free_offset() const { return kGrain * runs_.largest_at; }
    bool is_unused() const { return runs_.free == end_ - begin_; }

    // A bit for each block; set: all of it is free, so nobody touches its memory.
    std::span<const u64> idle_blocks() const { return idle_; }

    u32 block_count() const { return static_cast<u32>(blocks_.size()); }
    const Block& block(u32 index) const { return blocks_[index]; }
    // For dumps and checks.
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
    // Of the allocation that begins there.
    u32 end_of_allocation(u32 begin) const;
    std::optional<GrainRun> allocation_at(Bytes offset) const;
    // What is wrong with an offset at which there is no allocation.
    FreeError error_at(Bytes offset) const;
    // Of what was free.
    void take(GrainRun run);
    // Whole allocations; nothing if the run is empty.
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
