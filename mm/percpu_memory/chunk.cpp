// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/chunk.hpp"

#include "mm/vmalloc/vmalloc.hpp"

#include <new>

namespace percival::mm {

namespace {

// Up to where the directory's entry ends, so that whatever is found through it has one.
u64 tags_for(Bytes unit)
{
    return unit.align_up(kPercpuUnit) / kPercpuGrain;
}

} // namespace

// A chunk and all its maps, in one allocation.
struct PercpuChunk::Parts {
    u64* words;
    u64* population;
    PercpuBlock* blocks;
    PercpuTag* tags;
    Bytes size;
    u32 block_count;

    // Where the parts stand from `start` on, behind the chunk itself.
    static Parts at(u64 start, Bytes unit)
    {
        const u32 blocks = PercpuChunkMap::blocks_of(unit);
        u64 next = start + sizeof(PercpuChunk);
        const auto take = [&next](u64 bytes) {
            const u64 here = next;
            next += (bytes + 7) & ~u64{7};
            return here;
        };
        Parts parts{};
        parts.block_count = blocks;
        parts.words = reinterpret_cast<u64*>(take(PercpuChunkMap::words_for(blocks) * sizeof(u64)));
        parts.population = reinterpret_cast<u64*>(take(PercpuChunkMap::block_words(blocks) * sizeof(u64)));
        parts.blocks = reinterpret_cast<PercpuBlock*>(take(blocks * sizeof(PercpuBlock)));
        parts.tags = reinterpret_cast<PercpuTag*>(take(tags_for(unit) * sizeof(PercpuTag)));
        parts.size = Bytes{next - start};
        return parts;
    }
    PercpuChunkMap::Storage storage() const
    {
        return {{words, PercpuChunkMap::words_for(block_count)}, {blocks, block_count}};
    }
};

PercpuChunk::PercpuChunk(VirtAddr base, const Shape& shape, const Parts& parts)
    : map{parts.storage(), shape.begin, shape.end},
      population{{parts.population, PercpuChunkMap::block_words(parts.block_count)},
                 shape.unit,
                 KernelGeometry::kPageSize},
      base_{base}, tags_of_all_{reinterpret_cast<u64>(parts.tags) - base.raw() / kPercpuGrain.count()}
{
    __builtin_memset(parts.tags, kNoPercpuTag, tags_for(shape.unit) * sizeof(PercpuTag));
}

PercpuChunk* PercpuChunk::make(VirtAddr base, const Shape& shape)
{
    const auto memory = vmalloc(Parts::at(0, shape.unit).size);
    if (!memory)
        return nullptr;
    const Parts parts = Parts::at(reinterpret_cast<u64>(*memory), shape.unit);
    return new (*memory) PercpuChunk{base, shape, parts};
}

void PercpuChunk::unmake(PercpuChunk* chunk)
{
    vfree(chunk);
}

bool make_percpu_directory()
{
    const auto memory = vzalloc(Bytes{kPercpuUnits * sizeof(PercpuChunk*)});
    if (!memory)
        return false;
    percpu_directory = static_cast<PercpuChunk**>(*memory);
    return true;
}

namespace {

void set_entries(const PercpuChunk& chunk, PercpuChunk* value)
{
    const Bytes from = chunk.base() - KernelLayout::kLocalPercpu.base;
    const u64 first = from.count() >> kPercpuUnitShift;
    const u64 last = (from + chunk.map.unit_size() - Bytes{1}).count() >> kPercpuUnitShift;
    for (u64 unit = first; unit <= last; ++unit)
        std::atomic_ref{percpu_directory[unit]}.store(value, std::memory_order_release);
}

} // namespace

void enter_percpu_chunk(PercpuChunk& chunk)
{
    set_entries(chunk, &chunk);
}

void remove_percpu_chunk(PercpuChunk& chunk)
{
    set_entries(chunk, nullptr);
}

} // namespace percival::mm
