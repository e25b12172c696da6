// SPDX-License-Identifier: BSD-2-Clause
// Maps memory into an area and clears it again: through the descriptors that a small area knows, or by a walk
// from the master root. Nothing is flushed. The area belongs to the caller. Any context.
#pragma once

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/page_table/leaf_mapper.hpp"
#include "mm/vmalloc/vm_area.hpp"

namespace percival::mm {

using KernelLeafSlots = LeafSlots<KernelGeometry, arch::Pte, KernelTables>;

// Finds the descriptors of an area, if all of them stand in one table, and makes that table if necessary.
// Error: NoMemory.
std::expected<void, MapError> find_slots(VmArea& area);

namespace vm_mapping_detail {

// Map and clear by a walk. They are out of line, so that the fast paths need no stack frame.
std::expected<void, MapError> walk_and_map(VirtAddr base, std::span<const PhysAddr> pages,
                                           Attributes attributes);
std::expected<void, MapError> walk_and_map(VirtRange range, PhysAddr to, Attributes attributes);
void walk_and_clear(VirtRange range);

// Maps a block of several pages at the descriptors of `range`. It is out of line too, so that the code for
// one page stays short.
void map_block(arch::Pte* slots, VirtRange range, PhysAddr block, Attributes attributes);

} // namespace vm_mapping_detail

// Maps `pages` one behind the other from the area's base on.
[[gnu::always_inline]] inline std::expected<void, MapError> map_into(VmArea& area,
                                                                     std::span<const PhysAddr> pages,
                                                                     Attributes attributes)
{
    if (area.slots == nullptr)
        return vm_mapping_detail::walk_and_map(area.range.base, pages, attributes);
    return KernelLeafSlots{kernel_tables(), area.slots}.map(
        KernelGeometry::index(kLastLevel, area.range.base), pages, attributes);
}

// Maps the contiguous `memory` at `offset` into the area.
inline std::expected<void, MapError> map_into(VmArea& area, Bytes offset, PhysRange memory,
                                              Attributes attributes)
{
    const VirtRange range{area.range.base + offset, memory.size};
    if (area.slots == nullptr)
        return vm_mapping_detail::walk_and_map(range, memory.base, attributes);
    arch::Pte* slot = area.slots + (offset.count() >> KernelGeometry::kPageShift);
    if (memory.size == KernelGeometry::kPageSize)
        KernelLeafSlots{kernel_tables(), slot}.map_page(memory.base, attributes);
    else
        vm_mapping_detail::map_block(slot, range, memory.base, attributes);
    return {};
}

// Clears the descriptors of the area's first `mapped` bytes.
inline void clear_area(VmArea& area, Bytes mapped)
{
    if (area.slots == nullptr)
        return vm_mapping_detail::walk_and_clear({area.range.base, mapped});
    KernelLeafSlots{kernel_tables(), area.slots}.clear(mapped.count() >> KernelGeometry::kPageShift);
}

} // namespace percival::mm
