// SPDX-License-Identifier: BSD-2-Clause
// A range of a region's addresses: free, or in use for one thing. The areas of a region tile it, in the order
// of their addresses (mm/vmalloc/vm_region.hpp).
//
//      free ──allocate──▶ reserved ──commit──▶ used ──claim──▶ freed ──flush──▶ free, or a CPU's spare
//                             └──────────────── undone ────────▲
//
// INV-vm_area-1: the last page of an area that is not free is a guard: nothing is ever mapped there.
// INV-vm_area-2: an area becomes free, or stops being free, under its region's lock. Reserved areas, freed ones
//                and spares belong to whoever took them out of the region, who alone changes them.
#pragma once

#include "arch/mmu/pte.hpp"
#include "kernel/lib/address_tree.hpp"
#include "mm/pages/page_blocks.hpp"

#include <atomic>
#include <string_view>

namespace percival::mm {

enum class VmState : u8 {
    Free,
    Reserved, // being set up; nobody may free it
    Used,
    Freed, // nothing is mapped any more, but TLBs may still know what was
    Spare, // in a CPU's stock of areas; flushed
};

// What an area is for, and so who may free it.
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
    BadAlignment, // no power of two
    BadAddress, // pages not at a multiple of the granule, or memory or registers where no descriptor can lead
    NoAddresses, // no hole is large enough
    NoMemory,    // for pages, tables, or the note of the area
};

struct VmArea {
    bool is(VmState wanted) const { return state.load(std::memory_order_acquire) == wanted; }
    // All that was written to the area before is seen by whoever sees the new state.
    void become(VmState now) { state.store(now, std::memory_order_release); }

    // Of the area itself and all below it in the tree, the largest that is free.
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
    Bytes summary{};
    VmArea* next{nullptr}; // on a list of freed areas or of spares
    Bytes mapped{};        // from the base on
    // The descriptors of a small area's addresses, so that mapping it again needs no walk; null if not known.
    arch::Pte* slots{nullptr};
    VirtAddr caller{};   // who asked for it
    PageBlocks blocks{}; // its own memory: of kind Vmalloc
    std::atomic<VmState> state{VmState::Free};
    VmKind kind{};
};

// What a listing says of an area in use.
struct VmAreaInfo {
    VirtRange range; // with the guard
    Bytes mapped;
    VirtAddr caller;
    VmKind kind;
};

} // namespace percival::mm
