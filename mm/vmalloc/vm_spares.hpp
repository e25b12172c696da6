// SPDX-License-Identifier: BSD-2-Clause
// Spares are each CPU's own stock of small areas of the vmalloc region. With them most allocations neither
// take the region's lock nor change its tree.
//
// Only the stock's CPU touches it, through PerCpu::masked(). Any context on a CPU that runs on its own root.
//
// Invariant: nothing is mapped in a spare, and no TLB holds an entry for it.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <array>
#include <utility>

namespace percival::mm {

struct VmSpares {
    // The stock holds areas of 1 to 16 pages, and of each size about as many as one flush frees.
    static constexpr std::size_t kSizes = 16;
    static constexpr u32 kMaxOfASize = 64;

    struct List {
        VmArea* first;
        u32 count;
    };

    // Returns the number of the list for areas of `size` bytes without the guard; kSizes or more if no spares
    // of that size are kept.
    static u64 list_number(Bytes size) { return (size.count() >> KernelGeometry::kPageShift) - 1; }

    std::array<List, kSizes> lists;
};

extern PerCpu<VmSpares> vm_spares;

// Returns true if spares of `size` bytes are kept.
constexpr bool is_spare_size(Bytes size)
{
    return size <= KernelGeometry::kPageSize * VmSpares::kSizes;
}

// Takes a spare of exactly `size` bytes out of this CPU's stock. It is Reserved and belongs to the caller.
// Returns null if there is none.
inline VmArea* take_spare(Bytes size)
{
    const u64 number = VmSpares::list_number(size);
    if (number >= VmSpares::kSizes)
        return nullptr;
    const auto spares = vm_spares.masked();
    VmSpares::List& list = spares->lists[number];
    if (list.first == nullptr)
        return nullptr;
    VmArea* area = std::exchange(list.first, list.first->next);
    --list.count;
    area->become(VmState::Reserved);
    return area;
}

// Puts an area of the caller's into this CPU's stock; it is flushed. Returns false if the area is too large,
// or if the stock for its size is full; the caller then keeps it.
[[nodiscard]] bool put_spare(VmArea& area);

} // namespace percival::mm
