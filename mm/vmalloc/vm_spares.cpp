// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_spares.hpp"

#include "kernel/cpus/call.hpp"
#include "mm/vmalloc/vm_region.hpp"

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<VmSpares> vm_spares{};

bool keep_spare(VmArea& area)
{
    const arch::InterruptMask masked;
    const Pin pin{masked};
    VmSpares::List* list = vm_spares.here(pin).list_for(area.range.size - KernelGeometry::kPageSize);
    if (list == nullptr || list->count == VmSpares::kMostOfASize)
        return false;
    area.become(VmState::Spare);
    area.next = std::exchange(list->first, &area);
    ++list->count;
    return true;
}

void release_spares()
{
    for (u64 pages = 1; pages <= VmSpares::kSizes; ++pages) {
        while (VmArea* area = take_spare(KernelGeometry::kPageSize * pages))
            vmalloc_region().release(*area);
    }
}

void release_all_spares()
{
    release_spares();
    call_on_others([] { release_spares(); });
}

} // namespace percival::mm
