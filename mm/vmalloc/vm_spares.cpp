// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_spares.hpp"

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<VmSpares> vm_spares{};

bool put_spare(VmArea& area)
{
    const u64 number = VmSpares::list_number(area.range.size - KernelGeometry::kPageSize);
    if (number >= VmSpares::kSizes)
        return false;
    const auto spares = vm_spares.masked();
    VmSpares::List& list = spares->lists[number];
    if (list.count == VmSpares::kMaxOfASize)
        return false;
    area.become(VmState::Spare);
    area.next = std::exchange(list.first, &area);
    ++list.count;
    return true;
}

} // namespace percival::mm
