// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/chunk_map.hpp"

#include <algorithm>

namespace percival::percpu {

ChunkMap::ChunkMap(Storage storage, Bytes begin, Bytes end)
    : used_{storage.words.first(storage.blocks.size() * Block::kWords)},
      starts_{storage.words.subspan(used_.size(), used_.size())},
      idle_{storage.words.subspan(2 * used_.size(), block_words(static_cast<u32>(storage.blocks.size())))},
      blocks_{storage.blocks}, begin_{static_cast<u32>(begin.count() / kGrain.count())},
      end_{static_cast<u32>(end.count() / kGrain.count())}
{
    std::ranges::fill(used_, ~u64{0});
    std::ranges::fill(starts_, 0);
    std::ranges::fill(idle_, 0);
    clear_bits(used_, begin_, end_);
    if (end_ < block_count() * Block::kGrains)
        set_bit(starts_, end_);
    first_block_ = block_of(begin_);
    for (u32 index = 0; index < block_count(); ++index) {
        blocks_[index] = Block{bits_of(index)};
        if (blocks_[index].is_idle())
            set_bit(idle_, index);
    }
    runs_.free = end_ - begin_;
    find_largest();
}

// Calls visit(index, part) for each block that the run reaches into. `part` counts from the start of the
// block.
template <class Visit>
void ChunkMap::for_blocks_of(GrainRun run, Visit visit)
{
    for (u32 at = run.begin; at < run.end;) {
        const u32 index = block_of(at);
        const u32 base = index * Block::kGrains;
        const u32 stop = std::min(run.end, base + Block::kGrains);
        visit(index, GrainRun{at - base, stop - base});
        at = stop;
    }
}

// Scans block by block, just as Block::find() scans word by word.
std::optional<u32> ChunkMap::find(Request request, u32 from_block, std::span<const u64> within) const
{
    const u32 length = request.grains();
    if (length > runs_.largest)
        return std::nullopt;
    u32 open = 0; // the length of the free run that ends where the block begins
    for (u32 index = from_block; index < block_count(); ++index) {
        if (!within.empty() && !bit_is_set(within, index)) {
            open = 0;
            continue;
        }
        const Block& block = blocks_[index];
        const u32 base = index * Block::kGrains;
        const u32 start = request.align_up(base - open);
        if (start + length <= base + block.left())
            return start;
        if (block.is_idle()) {
            open += Block::kGrains;
            continue;
        }
        if (length <= block.largest() && request.alignment() < Block::kGrains) {
            if (const auto found = block.find(request, bits_of(index)))
                return base + *found;
        }
        open = block.right();
    }
    return std::nullopt;
}

std::optional<Bytes> ChunkMap::allocate(Request request, std::span<const u64> within)
{
    const auto found = find(request, first_block_, within);
    if (!found)
        return std::nullopt;
    set_bit(starts_, *found);
    take({*found, *found + request.grains()});
    return bytes_of(*found);
}

u32 ChunkMap::allocate_many(Request request, std::span<Bytes> offsets, std::span<const u64> within)
{
    const u32 size = request.grains();
    // Objects that stay aligned one behind the other share a search. The shared run ends at the next grain in
    // use, or at the end of a block, because `within` says nothing yet about the block behind it.
    const bool is_dense = size % request.alignment() == 0;
    u32 count = 0;
    u32 from_block = first_block_;
    while (count < offsets.size()) {
        const auto found = find(request, from_block, within);
        if (!found)
            break;
        u32 end = *found + size;
        if (is_dense) {
            const u64 wanted = *found + (offsets.size() - count) * u64{size};
            const u32 block_end = (block_of(end - 1) + 1) * Block::kGrains;
            const auto limit = static_cast<u32>(std::min<u64>(wanted, block_end));
            end = find_set(used_, end, limit);
            end -= (end - *found) % size;
        }
        for (u32 at = *found; at < end; at += size) {
            set_bit(starts_, at);
            offsets[count++] = bytes_of(at);
        }
        take({*found, end});
        // No place is left in the blocks before this one.
        from_block = block_of(*found);
    }
    return count;
}

u32 ChunkMap::end_of_allocation(u32 begin) const
{
    return find_bit(begin + 1, end_, [this](u32 word) { return ~used_[word] | starts_[word]; });
}

std::optional<GrainRun> ChunkMap::allocation_at(Bytes offset) const
{
    const u64 grain = offset.count() / kGrain.count();
    if (offset.count() % kGrain.count() != 0 || grain < begin_ || grain >= end_)
        return std::nullopt;
    const auto begin = static_cast<u32>(grain);
    if (!bit_is_set(starts_, begin))
        return std::nullopt;
    return GrainRun{begin, end_of_allocation(begin)};
}

FreeError ChunkMap::error_at(Bytes offset) const
{
    if (offset < bytes_of(begin_) || offset >= bytes_of(end_))
        return FreeError::OutOfRange;
    if (offset.count() % kGrain.count() != 0)
        return FreeError::Misaligned;
    return bit_is_set(used_, static_cast<u32>(offset.count() / kGrain.count())) ? FreeError::NotTheStart
                                                                                : FreeError::NotAllocated;
}

std::expected<Bytes, FreeError> ChunkMap::size_at(Bytes offset) const
{
    const auto run = allocation_at(offset);
    if (!run)
        return std::unexpected{error_at(offset)};
    return bytes_of(run->length());
}

std::expected<Bytes, FreeError> ChunkMap::free(Bytes offset)
{
    const auto run = allocation_at(offset);
    if (!run)
        return std::unexpected{error_at(offset)};
    put(*run);
    return bytes_of(run->length());
}

ChunkMap::FreedMany ChunkMap::free_many(std::span<const Bytes> offsets)
{
    // `together` is a run of neighbouring allocations that were found correct and are freed together, as soon
    // as the next allocation is not their neighbour. The bits outside it are up to date, so the next offset
    // can be looked up before that. An offset inside it is a second free: the run is freed first, so that the
    // look-up fails.
    GrainRun together{0, 0};
    for (u32 index = 0; index < offsets.size(); ++index) {
        const Bytes offset = offsets[index];
        // The usual case: the next allocation follows the run.
        if (offset == bytes_of(together.end) && together.end < end_ && bit_is_set(starts_, together.end)) {
            together.end = end_of_allocation(together.end);
            continue;
        }
        if (offset >= bytes_of(together.begin) && offset < bytes_of(together.end)) {
            put(together);
            together = {0, 0};
        }
        const auto run = allocation_at(offset);
        if (!run) {
            put(together);
            return {index, error_at(offset)};
        }
        if (run->end == together.begin) {
            together.begin = run->begin;
        } else {
            put(together);
            together = *run;
        }
    }
    put(together);
    return {static_cast<u32>(offsets.size()), std::nullopt};
}

void ChunkMap::take(GrainRun run)
{
    set_bits(used_, run.begin, run.end);
    for_blocks_of(run, [this](u32 index, GrainRun part) {
        blocks_[index].take(part, bits_of(index));
        clear_bit(idle_, index);
    });
    while (first_block_ < block_count() && blocks_[first_block_].free() == 0)
        ++first_block_;
    if (!runs_.take(run))
        find_largest();
}

void ChunkMap::put(GrainRun run)
{
    if (run.length() == 0)
        return;
    clear_bits(used_, run.begin, run.end);
    clear_bits(starts_, run.begin, run.end);
    first_block_ = std::min(first_block_, block_of(run.begin));
    // Extends the run to all free grains around it, first inside its blocks, then across the edges of blocks.
    // joined_to_largest() saves the walk through the longest run, which may be most of the chunk.
    GrainRun around = runs_.joined_to_largest(run);
    for_blocks_of(run, [this, &around](u32 index, GrainRun part) {
        const u32 base = index * Block::kGrains;
        const GrainRun inside = blocks_[index].put(part, bits_of(index));
        around.begin = std::min(around.begin, base + inside.begin);
        around.end = std::max(around.end, base + inside.end);
        if (blocks_[index].is_idle())
            set_bit(idle_, index);
    });
    for (u32 index = block_of(around.begin); index > 0 && around.begin == index * Block::kGrains;)
        around.begin -= blocks_[--index].right();
    for (u32 index = block_of(around.end); index < block_count() && around.end == index * Block::kGrains;
         ++index)
        around.end += blocks_[index].left();
    runs_.put(run.length(), around);
}

// Scans block by block, just as Block::find_largest() scans word by word.
void ChunkMap::find_largest()
{
    runs_.largest = 0;
    GrainRun open{0, 0};
    for (u32 index = 0; index < block_count(); ++index) {
        const Block& block = blocks_[index];
        const u32 base = index * Block::kGrains;
        open.end = base + block.left();
        runs_.propose(open);
        if (block.is_idle())
            continue;
        runs_.propose({base + block.largest_at(), base + block.largest_at() + block.largest()});
        open = {base + Block::kGrains - block.right(), base + Block::kGrains};
    }
}

} // namespace percival::percpu
