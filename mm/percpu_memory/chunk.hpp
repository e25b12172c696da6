// SPDX-License-Identifier: BSD-2-Clause
// A chunk of percpu memory: one unit in every CPU's slab, at the same offset in each. Its maps say which
// grains are in use and which pages have memory.
//
// The directory has an entry for each unit of the window. It leads from any local address in a chunk to the
// chunk.
//
// INV-percpu_chunk-1: a chunk is in the directory from before its first allocation until after its last free.
// INV-percpu_chunk-2: the tag of a grain is not kNoTag exactly while the grain is the first of an object that
//     is allocated to a caller. The one caller that exchanges the tag for kNoTag frees the object.
// INV-percpu_chunk-3: an rcu::synchronize() lies between a chunk's removal from the directory and its
//     destruction. A lookup of an address that may not be allocated runs as an RCU reader
//     (kernel/sync/rcu.hpp), or with interrupts masked, until it no longer uses the chunk.
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "mm/percpu/unit.hpp"
#include "mm/percpu_memory/population.hpp"
#include "mm/percpu_memory/slots.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <atomic>
#include <expected>

namespace percival::percpu {

// Says where a freed object goes: the number of its class (mm/percpu_memory/class.hpp), or one of these
// constants.
using Tag = u8;
inline constexpr Tag kNoTag = 0;
inline constexpr Tag kReservedTag = 0xfe; // allocated from the first chunk's reserved part
inline constexpr Tag kPlainTag = 0xff;    // allocated straight from a chunk's map

class Chunk : public Slotted<Chunk>, Immovable {
public:
    // The size of a unit and the part [begin, end) of it that can be allocated.
    struct Shape {
        Bytes unit;
        Bytes begin;
        Bytes end;
    };
    struct Parts;

    // Makes a chunk for the units at the local address `base`. It has no pages and is not in the directory.
    // Returns null if there is no memory for the chunk.
    static Chunk* make(VirtAddr base, const Shape& shape);
    static void unmake(Chunk* chunk);

    VirtAddr base() const { return base_; }
    Pages all_pages() const { return population.all_pages(); }
    Bytes offset_of(VirtAddr local) const { return local - base_; }
    bool contains(VirtAddr local) const { return offset_of(local) < map.unit_size(); }
    // Returns the tag of the grain at `local`, for which the directory must return this chunk: behind the
    // chunk's end there are tags up to the end of its last directory entry.
    std::atomic_ref<Tag> tag_of(VirtAddr local) const
    {
        // SAFETY: the chunk has a tag for each grain of its directory entries (Parts::tags), the first for
        // base().
        auto* tag = reinterpret_cast<Tag*>(tags_origin_ + local.raw() / kGrain.count());
        return std::atomic_ref{*tag};
    }

    // Slots calls these.
    bool is_unused() const { return map.is_unused(); }
    Bytes largest_free() const { return map.largest_free(); }
    u32 empty_pages() const { return population.empty_pages(map); }

    ChunkMap map;
    Population population;
    mm::VmArea* area{nullptr}; // the chunk's local addresses; null for the first chunk, which always stays
    Chunk* next_unlinked{nullptr}; // the next chunk to destroy, after this one has left the directory

private:
    Chunk(VirtAddr base, const Shape& shape, const Parts& parts);

    VirtAddr base_;
    u64 tags_origin_; // the address at which the tag of local address 0 would be
};

// Allocates the directory. Called once, before there are chunks. Returns false if there is no memory.
[[nodiscard]] bool make_directory();
// Sets the directory entries of all units that the chunk reaches into, or clears them.
void enter_chunk(Chunk& chunk);
void remove_chunk(Chunk& chunk);

// The directory itself, with an entry for each unit of the window.
inline constinit Chunk** directory = nullptr;
inline constexpr u64 kUnits = mm::KernelLayout::kSlabSize.count() >> kUnitShift;

// Returns a directory entry. Acquire: the caller sees the chunk as it was when it was entered, or later.
inline Chunk* chunk_of_unit(u64 unit)
{
    return std::atomic_ref{directory[unit]}.load(std::memory_order_acquire);
}

// Returns the chunk of the grain that begins at the local address `local`. Returns null where there is no
// chunk, and for an address inside a grain or outside the window. The first units need not end at a multiple
// of kUnit; for the addresses behind them, up to the next multiple, the first chunk is returned. Any context.
inline Chunk* chunk_at(VirtAddr local)
{
    constexpr unsigned kGrainShift = std::countr_zero(kGrain.count());
    // The rotation turns an address inside a grain, or below the window, into a huge number, so that one
    // compare rejects both and addresses above the window.
    const u64 grain = std::rotr((local - mm::KernelLayout::kLocalPercpu.base).count(), kGrainShift);
    if (grain >= mm::KernelLayout::kSlabSize.count() >> kGrainShift)
        return nullptr;
    return chunk_of_unit(grain >> (kUnitShift - kGrainShift));
}

} // namespace percival::percpu
