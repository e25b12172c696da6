// SPDX-License-Identifier: BSD-2-Clause
// The layout of the fixmap region.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"

namespace percival::mm {

// The device tree: at most 2 MiB, not page aligned.
inline constexpr VirtRange kFixmapDeviceTree{KernelLayout::kFixmap.base, 4_MiB};

// The page of a WritableWindow (mm/kernel_map/writable_window.hpp).
inline constexpr VirtRange kFixmapWritable{kFixmapDeviceTree.end() + KernelGeometry::kPageSize,
                                           KernelGeometry::kPageSize};

static_assert(KernelLayout::kFixmap.contains(kFixmapDeviceTree) &&
              KernelLayout::kFixmap.contains(kFixmapWritable));

} // namespace percival::mm
