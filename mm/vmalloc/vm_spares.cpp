// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_spares.hpp"

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<VmSpares> vm_spares{};

bool put_spare(VmArea& area)
{
    const auto spares = vm_spares.masked();
    VmSpares::List* list = spares->list_for(area.range.size - KernelGeometry::kPageSize);
    if (list == nullptr || list->count == VmSpares::kMaxOfASize)
        return false;
    area.become(VmState::Spare);
    area.next = std::exchange(list->first, &area);
    ++list->count;
    return true;
}

} // namespace percival::mm
