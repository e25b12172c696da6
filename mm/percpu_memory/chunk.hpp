// SPDX-License-Identifier: BSD-2-Clause
// A chunk of percpu memory: at the same offset in every CPU's slab a unit, of which the maps know what is in use
// and what has memory.
//
// Found by any local address in it through a directory with an entry for each unit of the window.
//
// INV-percpu_chunk-1: a chunk is in the directory from before its first allocation until after its last free.
// INV-percpu_chunk-2: the tag of a grain is not 0 exactly while it is the first of an allocation that is in
//                     somebody's hands: whoever makes it 0 is the one who frees it.
// INV-percpu_chunk-3: between its leaving the directory and its end lies an rcu::synchronize(). Who looks up an
//                     address of which it is not known that something is allocated there is an RCU reader
//                     (kernel/sync/rcu.hpp), or has interrupts masked, until done with the chunk.
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "mm/percpu/unit.hpp"
#include "mm/percpu_memory/population.hpp"
#include "mm/percpu_memory/slots.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <atomic>
#include <expected>

namespace percival::percpu {

// What an allocation is, so that it finds its way back: the number of its class (mm/percpu_memory/class.hpp), or one of
// these.
using Tag = u8;
inline constexpr Tag kNoTag = 0;
inline constexpr Tag kReservedTag = 0xfe; // from the first chunk's reserved part
inline constexpr Tag kPlainTag = 0xff;    // straight from a chunk's map

class Chunk : public Slotted<Chunk>, Immovable {
public:
    // What a unit is divided into, and which part of it can be allocated.
    struct Shape {
        Bytes unit;
        Bytes begin;
        Bytes end;
    };
    struct Parts;

    // A chunk for the units at `base`, a local address. Null: no memory for its maps. It has no pages, and is
    // not in the directory.
    static Chunk* make(VirtAddr base, const Shape& shape);
    static void unmake(Chunk* chunk);

    VirtAddr base() const { return base_; }
    Pages all_pages() const { return population.all_pages(); }
    Bytes offset_of(VirtAddr local) const { return local - base_; }
    bool contains(VirtAddr local) const { return offset_of(local) < map.unit_size(); }
    // Of the grain at an address in the chunk, or behind it as far as its last entry in the directory goes.
    std::atomic_ref<Tag> tag_of(VirtAddr local) const
    {
        auto* tag = reinterpret_cast<Tag*>(tags_of_all_ + local.raw() / kGrain.count());
        return std::atomic_ref{*tag};
    }

    // For Slots.
    bool is_unused() const { return map.is_unused(); }
    Bytes largest_free() const { return map.largest_free(); }
    u32 empty_pages() const { return population.empty_pages(map); }

    ChunkMap map;
    Population population;
    mm::VmArea* area{nullptr};     // its local addresses; null for the first chunk, which stays
    Chunk* next_unlinked{nullptr}; // of those that have left the directory

private:
    Chunk(VirtAddr base, const Shape& shape, const Parts& parts);

    VirtAddr base_;
    u64 tags_of_all_; // where the tag of address 0 would be
};

// The directory. Set up once, before there are chunks; false: no memory.
[[nodiscard]] bool make_directory();
// Enters a chunk for all of its unit, or takes it out.
void enter_chunk(Chunk& chunk);
void remove_chunk(Chunk& chunk);

// For directory look-ups: an entry for each unit of the window.
inline constinit Chunk** directory = nullptr;
inline constexpr u64 kUnits = mm::KernelLayout::kSlabSize.count() >> kUnitShift;

// Acquire: the chunk is seen as it was when it was entered.
inline Chunk* chunk_of_unit(u64 unit)
{
    return std::atomic_ref{directory[unit]}.load(std::memory_order_acquire);
}

// The chunk that the grain at a local address is in; null for any other address, one inside a grain too, and where
// there is no chunk. Behind the first units, which are as long as need be, it is theirs up to the next whole unit.
// Any context.
inline Chunk* chunk_at(VirtAddr local)
{
    constexpr unsigned kGrainShift = std::countr_zero(kGrain.count());
    // Rotated, an address inside a grain or below the window becomes a huge number, and one compare refuses all.
    const u64 grain = std::rotr((local - mm::KernelLayout::kLocalPercpu.base).count(), kGrainShift);
    if (grain >= mm::KernelLayout::kSlabSize.count() >> kGrainShift)
        return nullptr;
    return chunk_of_unit(grain >> (kUnitShift - kGrainShift));
}

} // namespace percival::percpu
