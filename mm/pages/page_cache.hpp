// SPDX-License-Identifier: BSD-2-Clause
// A CPU's own stock of single pages, so that most allocations and frees touch nothing that another CPU uses
// and take no lock.
//
// Only its CPU touches it, and only with interrupts masked. That is enough: an interrupt handler on this CPU
// cannot come in between, code that runs with interrupts masked is not moved to another CPU, and other CPUs
// only ever read `count`, for statistics. (A compare-exchange on a list head would not do: between reading a
// page's successor and the exchange an interrupt can take both and put the first one back.)
//
// INV-page_cache-1: pages[0 .. count) are in state Cached, are on no other list, and belong to the CPU's own
//                   node when it has memory left.
// INV-page_cache-2: `known_pages` descriptors from `descriptors` on are initialized: they are those of the
//                   zone that was used last, which begins at `zone_base`. Other zones' pages take the slow
//                   path.
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
// Pages that are moved from or to a zone at once.
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
