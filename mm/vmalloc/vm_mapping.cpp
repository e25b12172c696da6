// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_mapping.hpp"

namespace percival::mm {

std::expected<void, MapError> find_slots(VmArea& area)
{
    const Bytes usable = area.range.size - KernelGeometry::kPageSize; // the guard may be in another table
    const auto slots = master_table().slots_for({area.range.base, usable});
    if (!slots)
        return std::unexpected{slots.error()};
    area.slots = *slots;
    return {};
}

namespace vm_mapping_detail {

std::expected<void, MapError> walk_and_map(VirtAddr base, std::span<const PhysAddr> pages,
                                           Attributes attributes)
{
    return master_table().map_pages(base, pages, attributes);
}

std::expected<void, MapError> walk_and_map(VirtRange range, PhysAddr to, Attributes attributes)
{
    return master_table().map(range, to, attributes);
}

void walk_and_clear(VirtRange range)
{
    master_table().clear(range);
}

void map_block(arch::Pte* slots, VirtRange range, PhysAddr block, Attributes attributes)
{
    KernelLeafSlots{kernel_tables(), slots}.map_block(KernelGeometry::index(kLastLevel, range.base),
                                                      range.size.count() >> KernelGeometry::kPageShift, block,
                                                      attributes);
}

} // namespace vm_mapping_detail
} // namespace percival::mm
