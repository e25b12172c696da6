// SPDX-License-Identifier: BSD-2-Clause
// Sizes of the percpu area's parts: how the first chunk is divided, and how large the units of all others are.
#pragma once

#include "linker/symbols.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu/first_chunk.hpp"

namespace percival::mm {

// A CPU's share of a chunk: whole pages, with room for the largest allocation. 64 KiB, and 128 KiB where a page
// is that large already.
inline constexpr unsigned kPercpuUnitShift = kKernelGranule == Granule::K64 ? 17 : 16;
inline constexpr Bytes kPercpuUnit{u64{1} << kPercpuUnitShift};

// For the static percpu variables of code that is loaded later, and for allocations before there is a second
// chunk. What the first chunk's last page has left is the latter's.
inline constexpr Bytes kPercpuReserved = 8_KiB;
inline constexpr Bytes kPercpuDynamic = 20_KiB;

// Of the unit that each CPU's slab begins with.
inline std::expected<PercpuFirstChunk, PercpuFirstChunkError> first_percpu_chunk()
{
    return PercpuFirstChunk::carve(address_of(_percpu_end) - address_of(_percpu_start), kPercpuReserved,
                                   kPercpuDynamic, KernelGeometry::kPageSize, KernelLayout::kSlabSize);
}

static_assert(kPercpuUnit >= kMaxPercpuSize && kPercpuUnit.count() % KernelGeometry::kPageSize.count() == 0);
static_assert(KernelLayout::kSlabSize.count() % kPercpuUnit.count() == 0);

} // namespace percival::mm
