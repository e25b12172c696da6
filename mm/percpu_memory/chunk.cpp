// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/chunk.hpp"

#include "mm/vmalloc/vmalloc.hpp"

#include <new>

namespace percival::percpu {

using namespace mm;

namespace {

// Returns the number of tags of a chunk with units of this size. There are tags up to the end of the last
// directory entry, so that every address for which the directory returns the chunk has a tag.
u64 tags_for(Bytes unit)
{
    return unit.align_up(kUnit) / kGrain;
}

} // namespace

// The parts of the one allocation that holds a chunk and all its maps.
struct Chunk::Parts {
    u64* words;
    u64* population;
    Block* blocks;
    Tag* tags;
    Bytes size;
    u32 block_count;

    // Lays the parts out behind the chunk itself, which is at `start`.
    static Parts at(u64 start, Bytes unit)
    {
        const u32 blocks = ChunkMap::blocks_of(unit);
        u64 next = start + sizeof(Chunk);
        const auto take = [&next](u64 bytes) {
            const u64 here = next;
            next += (bytes + 7) & ~u64{7};
            return here;
        };
        Parts parts{};
        parts.block_count = blocks;
        // SAFETY: take() returns disjoint ranges of the allocation. Each is aligned to 8 bytes and as large
        // as its part.
        parts.words = reinterpret_cast<u64*>(take(ChunkMap::words_for(blocks) * sizeof(u64)));
        parts.population = reinterpret_cast<u64*>(take(ChunkMap::block_words(blocks) * sizeof(u64)));
        parts.blocks = reinterpret_cast<Block*>(take(blocks * sizeof(Block)));
        parts.tags = reinterpret_cast<Tag*>(take(tags_for(unit) * sizeof(Tag)));
        parts.size = Bytes{next - start};
        return parts;
    }
    ChunkMap::Storage storage() const
    {
        return {{words, ChunkMap::words_for(block_count)}, {blocks, block_count}};
    }
};

Chunk::Chunk(VirtAddr base, const Shape& shape, const Parts& parts)
    : map{parts.storage(), shape.begin, shape.end},
      population{{parts.population, ChunkMap::block_words(parts.block_count)},
                 shape.unit,
                 KernelGeometry::kPageSize},
      base_{base}, tags_origin_{address_of(parts.tags).raw() - base.raw() / kGrain.count()}
{
    __builtin_memset(parts.tags, kNoTag, tags_for(shape.unit) * sizeof(Tag));
}

Chunk* Chunk::make(VirtAddr base, const Shape& shape)
{
    const auto memory = vmalloc(Parts::at(0, shape.unit).size);
    if (!memory)
        return nullptr;
    const Parts parts = Parts::at(address_of(*memory).raw(), shape.unit);
    return new (*memory) Chunk{base, shape, parts};
}

void Chunk::unmake(Chunk* chunk)
{
    vfree(chunk);
}

bool make_directory()
{
    const auto memory = vzalloc(Bytes{kUnits * sizeof(Chunk*)});
    if (!memory)
        return false;
    directory = static_cast<Chunk**>(*memory);
    return true;
}

namespace {

void set_entries(const Chunk& chunk, Chunk* value)
{
    const Bytes from = chunk.base() - KernelLayout::kLocalPercpu.base;
    const u64 first = from.count() >> kUnitShift;
    const u64 last = (from + chunk.map.unit_size() - Bytes{1}).count() >> kUnitShift;
    for (u64 unit = first; unit <= last; ++unit)
        std::atomic_ref{directory[unit]}.store(value, std::memory_order_release);
}

} // namespace

void enter_chunk(Chunk& chunk)
{
    set_entries(chunk, &chunk);
}

void remove_chunk(Chunk& chunk)
{
    set_entries(chunk, nullptr);
}

} // namespace percival::percpu
