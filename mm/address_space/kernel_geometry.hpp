// SPDX-License-Identifier: BSD-2-Clause
// The geometry of this build: PERCIVAL_GRANULE_KIB and PERCIVAL_VA_BITS come from the CMake preset.
#pragma once

#include "kernel/options/percpu_shadow.hpp"
#include "mm/address_space/layout.hpp"

namespace percival::mm {

inline constexpr Granule kKernelGranule = PERCIVAL_GRANULE_KIB == 4    ? Granule::K4
                                          : PERCIVAL_GRANULE_KIB == 16 ? Granule::K16
                                                                       : Granule::K64;

using KernelGeometry = Geometry<kKernelGranule, PERCIVAL_VA_BITS>;
using KernelLayout = Layout<KernelGeometry, kPercpuShadow ? ShadowRegions::BytePerByte : ShadowRegions::None>;

// The identity map must reach every physical address, whatever the size of the kernel half is.
using IdmapGeometry = Geometry<kKernelGranule, 48>;

} // namespace percival::mm
