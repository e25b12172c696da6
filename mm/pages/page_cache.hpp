// SPDX-License-Identifier: BSD-2-Clause
// A page cache is a CPU's own stock of single pages. With it most allocations and frees touch nothing that
// another CPU uses and take no lock.
//
// Only its CPU touches it, through PerCpu::masked(), and other CPUs only read `count`, for statistics. A
// lock-free list would not do: between the load of a page's successor and the compare-exchange of the head,
// an interrupt handler could take both pages and put the first one back.
//
// Invariants: pages[0 .. count) are in state Cached, are on no other list, and belong to the CPU's own node
// unless that had no memory left. The `known_pages` descriptors from `descriptors` on are initialized: they
// belong to the zone that was used last, which begins at `zone_base`. Pages of other zones take the slow
// path.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/physical/numa.hpp"
#include "mm/physical/page_zone.hpp"

#include <array>

namespace percival::mm {

// 256 KiB, 512 KiB and 1 MiB for the three granules.
inline constexpr std::size_t kPageCacheCapacity = kKernelGranule == Granule::K4    ? 64
                                                  : kKernelGranule == Granule::K16 ? 32
                                                                                   : 16;

// Number of pages that one refill or drain moves.
inline constexpr std::size_t kPageCacheBatch = kPageCacheCapacity / 2;

struct PageCache {
    u32 count{0};
    NumaNode node{};
    PhysAddr zone_base{};
    u64 known_pages{0};
    PageDescriptor* descriptors{nullptr};
    std::array<PageHandle, kPageCacheCapacity> pages{};
};

extern PerCpu<PageCache> page_cache;

} // namespace percival::mm
