// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_area.hpp"

#include "mm/kernel_geometry.hpp"

namespace percival::mm {
namespace {

constinit VirtAddr next = KernelLayout::kVmalloc.base + KernelGeometry::kPageSize;

} // namespace

std::optional<VirtRange> take_kernel_area(Bytes size, Bytes alignment)
{
    const VirtAddr base = next.align_up(alignment);
    const VirtRange area{base, size};
    if (size == Bytes{0} || !KernelLayout::kVmalloc.contains(area))
        return std::nullopt;
    next = area.end().align_up(KernelGeometry::kPageSize) + KernelGeometry::kPageSize;
    return area;
}

} // namespace percival::mm
