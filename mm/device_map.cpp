// SPDX-License-Identifier: BSD-2-Clause
#include "mm/device_map.hpp"

#include "mm/kernel_area.hpp"
#include "mm/kernel_tables.hpp"

namespace percival::mm {

std::optional<VirtAddr> map_device(PhysRange registers)
{
    constexpr Bytes kPage = KernelGeometry::kPageSize;
    if (registers.is_empty())
        return std::nullopt;
    const PhysAddr start = registers.base.align_down(kPage);
    const Bytes size = registers.end().align_up(kPage) - start;
    const auto area = take_kernel_area(size, kPage);
    if (!area || !master_table().map(*area, start, kDeviceRegisters))
        return std::nullopt;
    return area->base + (registers.base - start);
}

} // namespace percival::mm
