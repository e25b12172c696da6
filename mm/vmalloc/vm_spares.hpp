// SPDX-License-Identifier: BSD-2-Clause
// A CPU's own stock of small areas of the vmalloc region, so that most allocations neither take the region's
// lock nor change its tree.
//
// Only the stock's CPU touches it, with interrupts masked. Any context on a CPU that runs on its own root.
//
// INV-vm_spares-1: spares have nothing mapped, and no TLB knows what was mapped there last.
#pragma once

#include "arch/cpu/processor.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <array>
#include <utility>

namespace percival::mm {

struct VmSpares {
    // Areas of 1 to 16 pages, as many of each size as are flushed at once.
    static constexpr std::size_t kSizes = 16;
    static constexpr u32 kMaxOfASize = 64;

    struct List {
        VmArea* first;
        u32 count;
    };

    // Null for a size that is not kept.
    List* list_for(Bytes size)
    {
        const u64 pages = size.count() >> KernelGeometry::kPageShift;
        return pages - 1 < kSizes ? &lists[pages - 1] : nullptr;
    }

    std::array<List, kSizes> lists;
};

extern PerCpu<VmSpares> vm_spares;

// Whether spares of this size are kept.
constexpr bool is_spare_size(Bytes size)
{
    return size <= KernelGeometry::kPageSize * VmSpares::kSizes;
}

// A spare of exactly this size, Reserved; null when there is none.
inline VmArea* take_spare(Bytes size)
{
    const arch::InterruptMask masked;
    const Pin pin{masked};
    VmSpares::List* list = vm_spares.here(pin).list_for(size);
    if (list == nullptr || list->first == nullptr)
        return nullptr;
    VmArea* area = std::exchange(list->first, list->first->next);
    --list->count;
    area->become(VmState::Reserved);
    return area;
}

// False: too large, or the stock for its size is full. Otherwise the area is the stock's.
[[nodiscard]] bool keep_spare(VmArea& area);

} // namespace percival::mm
