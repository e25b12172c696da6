// SPDX-License-Identifier: BSD-2-Clause
// Sizes of the percpu area's parts: how the first chunk is divided, and how large the units of all others are.
#pragma once

#include "linker/symbols.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu/first_chunk.hpp"

namespace percival::percpu {

// A CPU's share of a chunk: whole pages, with room for the largest allocation. 64 KiB, and 128 KiB where a page
// is that large already.
inline constexpr unsigned kUnitShift = mm::kKernelGranule == mm::Granule::K64 ? 17 : 16;
inline constexpr Bytes kUnit{u64{1} << kUnitShift};

// For the static percpu variables of code that is loaded later, and for allocations before there is a second
// chunk. What the first chunk's last page has left is the latter's.
inline constexpr Bytes kReservedSize = 8_KiB;
inline constexpr Bytes kDynamicSize = 20_KiB;

// Of the unit that each CPU's slab begins with.
inline std::expected<FirstChunk, FirstChunkError> first_chunk()
{
    return FirstChunk::carve(address_of(_percpu_end) - address_of(_percpu_start), kReservedSize, kDynamicSize,
                             mm::KernelGeometry::kPageSize, mm::KernelLayout::kSlabSize);
}

static_assert(kUnit >= kMaxSize && kUnit.count() % mm::KernelGeometry::kPageSize.count() == 0);
static_assert(mm::KernelLayout::kSlabSize.count() % kUnit.count() == 0);

} // namespace percival::percpu
