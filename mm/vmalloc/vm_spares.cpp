// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_spares.hpp"

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<VmSpares> vm_spares{};

bool put_spare(VmArea& area)
{
    const arch::InterruptMask masked;
    const Pin pin{masked};
    VmSpares::List* list = vm_spares.here(pin).list_for(area.range.size - KernelGeometry::kPageSize);
    if (list == nullptr || list->count == VmSpares::kMaxOfASize)
        return false;
    area.become(VmState::Spare);
    area.next = std::exchange(list->first, &area);
    ++list->count;
    return true;
}

} // namespace percival::mm
