// SPDX-License-Identifier: BSD-2-Clause
// Sizes of percpu memory: the parts of the first chunk, and the units of all other chunks.
#pragma once

#include "linker/symbols.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu/first_chunk.hpp"

namespace percival::percpu {

// The unit is one CPU's share of a chunk. It consists of whole pages and has room for the largest allocation:
// 64 KiB, or 128 KiB with pages of 64 KiB.
inline constexpr unsigned kUnitShift = mm::kKernelGranule == mm::Granule::K64 ? 17 : 16;
inline constexpr Bytes kUnit{u64{1} << kUnitShift};

// Sizes of the first chunk's reserved part, for the static percpu variables of code that is loaded later, and
// of its dynamic part, for allocations before there is a second chunk. The rest of the first chunk's last
// page is added to the dynamic part.
inline constexpr Bytes kReservedSize = 8_KiB;
inline constexpr Bytes kDynamicSize = 20_KiB;

// Returns the layout of the unit that each CPU's slab begins with.
inline std::expected<FirstChunk, FirstChunkError> first_chunk()
{
    return FirstChunk::carve(address_of(_percpu_end) - address_of(_percpu_start), kReservedSize, kDynamicSize,
                             mm::KernelGeometry::kPageSize, mm::KernelLayout::kSlabSize);
}

static_assert(kUnit >= kMaxSize && kUnit.count() % mm::KernelGeometry::kPageSize.count() == 0);
static_assert(mm::KernelLayout::kSlabSize.count() % kUnit.count() == 0);

} // namespace percival::percpu
