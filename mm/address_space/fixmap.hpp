// SPDX-License-Identifier: BSD-2-Clause
// What stands where in the fixmap region.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"

namespace percival::mm {

// The device tree: 2 MiB at most, not page aligned.
inline constexpr VirtRange kFixmapDeviceTree{KernelLayout::kFixmap.base, 4_MiB};

// One page (mm/kernel_map/writable_window.hpp).
inline constexpr VirtRange kFixmapWritable{kFixmapDeviceTree.end() + KernelGeometry::kPageSize,
                                           KernelGeometry::kPageSize};

static_assert(KernelLayout::kFixmap.contains(kFixmapDeviceTree) &&
              KernelLayout::kFixmap.contains(kFixmapWritable));

} // namespace percival::mm
