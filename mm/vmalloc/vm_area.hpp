// SPDX-License-Identifier: BSD-2-Clause
// An area is a range of a region's addresses: free, or in use for one thing. The areas of a region tile it,
// in the order of their addresses (mm/vmalloc/vm_region.hpp).
//
//      free --allocate--> reserved --commit--> used --claim--> freed --flush--> free, or a CPU's spare
//                             +---------------- undone --------^
//
// Invariants: the last page of an area that is not free is a guard, where nothing is ever mapped, if the
// region has guards. An area becomes free, or stops being free, only under its region's lock. Reserved and
// freed areas and spares belong to the code that took them out of the region, and only that code changes
// them.
#pragma once

#include "arch/mmu/pte.hpp"
#include "kernel/lib/address_tree.hpp"
#include "mm/pages/page_blocks.hpp"

#include <atomic>
#include <string_view>

namespace percival::mm {

enum class VmState : u8 {
    Free,
    Reserved, // being set up; it cannot be found or freed
    Used,
    Freed, // unmapped, but TLBs may still hold the old entries
    Spare, // unmapped, flushed, and in a CPU's stock of areas
};

// What an area is used for. Each kind has its own function to free it, which refuses all other kinds.
enum class VmKind : u8 { Vmalloc, Vmap, Device, Stacks, Percpu };

constexpr std::string_view name_of(VmKind kind)
{
    switch (kind) {
    case VmKind::Vmalloc:
        return "vmalloc";
    case VmKind::Vmap:
        return "vmap";
    case VmKind::Device:
        return "ioremap";
    case VmKind::Stacks:
        return "stacks";
    case VmKind::Percpu:
        return "percpu";
    }
    return "?";
}

enum class VmError : u8 {
    BadSize,      // 0, or more than the region has addresses
    BadAlignment, // not a power of two
    BadAddress,   // a physical address is not a multiple of the granule, or does not fit into a descriptor
    NoAddresses,  // no hole is large enough
    NoMemory,     // no memory for pages, tables, or the note of the area
};

// The note that a region keeps of an area.
struct VmArea {
    // Acquires what become() released with `wanted`.
    bool is(VmState wanted) const { return state.load(std::memory_order_acquire) == wanted; }
    // Changes the state. A reader that sees the new state with is() also sees all earlier writes to the area.
    void become(VmState now) { state.store(now, std::memory_order_release); }

    // Returns the size of the largest free area among this one and all below it in the tree.
    Bytes summarize() const
    {
        Bytes largest = is(VmState::Free) ? range.size : Bytes{0};
        for (const VmArea* child : {tree.left, tree.right}) {
            if (child != nullptr)
                largest = std::max(largest, child->summary);
        }
        return largest;
    }

    VirtRange range{};
    TreeLinks<VmArea> tree{};
    Bytes summary{};       // the result of summarize(), kept by the tree
    VmArea* next{nullptr}; // the next on a list of freed areas or of spares
    Bytes mapped{};        // how much is mapped, from the base on
    // Descriptors of the area's addresses, so that mapping a small area needs no walk. Null if they are not
    // known.
    arch::Pte* slots{nullptr};
    VirtAddr caller{};   // the code that asked for the area
    PageBlocks blocks{}; // the memory that the area owns; only of kind Vmalloc
    std::atomic<VmState> state{VmState::Free};
    VmKind kind{};
};

// Returns a new note, or null if there is no memory. Notes are small objects; until the page allocator
// starts, they come from a small array in the image. Any context, under the lock of a region.
VmArea* new_area_note();

// Frees a note; ignores null. A note from the array in the image is not used again. Any context, under the
// lock of a region.
void delete_area_note(VmArea* area);

// Snapshot of an area in use, for listings.
struct VmAreaInfo {
    VirtRange range; // includes the guard
    Bytes mapped;
    VirtAddr caller;
    VmKind kind;
};

} // namespace percival::mm
