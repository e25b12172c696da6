// SPDX-License-Identifier: BSD-2-Clause
#include "mm/hot_memory/hot_memory.hpp"

#include "kernel/cpus/call.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/wait/cpus_stay.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "kernel/wait/mutex.hpp"
#include "mm/hot_memory/new_memory.hpp"
#include "mm/hot_memory/region_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/pages/page_reports.hpp"
#include "mm/physical/page_zones.hpp"
#include "mm/roots/sync.hpp"
#include "mm/vmalloc/vm_freed.hpp"

#include <algorithm>
#include <array>
#include <atomic>

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

using RegionPageTable = PageTable<KernelGeometry, arch::Pte, RegionTables>;
using RegionTlbBatch = TlbBatch<KernelGeometry, RegionTables>;

// How often a removal looks whether the number of pages in use has fallen, and the pause before each look,
// in which others may free what they are about to free anyway.
constexpr u32 kMaxRounds = 8;
constexpr u64 kPauseNanoseconds = 1'000'000;

struct AddedRange {
    PhysRange range{};
    PageZone* zone{nullptr}; // null: not in use
    std::array<EarlyMemory::FreeRange, 1> free{};
};

constinit Mutex hot_memory_lock;
constinit std::array<AddedRange, kMaxAddedRanges> all_added PERCIVAL_GUARDED_BY(hot_memory_lock){};
constinit std::atomic<u32> added_count{0};

VirtRange linear_range(PhysRange range)
{
    return {linear_address(range.base), range.size};
}

Bytes descriptor_memory(PhysRange range)
{
    return Bytes{PageZone::descriptors_for(range, KernelGeometry::kPageShift) * sizeof(PageDescriptor)}
        .align_up(kPage);
}

bool overlaps_a_zone(PhysRange range)
{
    bool overlaps = false;
    page_zones().for_each([&](const PageZone& zone) { overlaps = overlaps || zone.bank().overlaps(range); });
    return overlaps;
}

std::expected<void, HotMemoryError> map_linear_range(PhysRange range)
{
    const VirtRange at = linear_range(range);
    const LinearTablesStay for_others;
    if (const auto synced = sync_roots(at); !synced)
        return std::unexpected{synced.error() == RootSyncError::NoMemory ? HotMemoryError::NoMemory
                                                                         : HotMemoryError::RootsDiffer};
    RegionTables tables;
    const auto mapped = RegionPageTable{master_root(), tables}.map(at, range.base, kData, linear_leaves);
    if (!mapped)
        return std::unexpected{mapped.error() == MapError::NoMemory ? HotMemoryError::NoMemory
                                                                    : HotMemoryError::IsMemory};
    return {};
}

void unmap_linear_range(PhysRange range)
{
    const LinearTablesStay for_others; // this frees tables
    RegionTables tables;
    RegionTlbBatch batch{tables}; // flushes, and then `tables` waits for software walkers
    // INV-hot_memory-3
    RegionPageTable{master_root(), tables}.clear_with_tables(linear_range(range), batch);
}

// Returns what the CPUs keep in stock to the zones. From then on no CPU puts pages of a closed zone into its
// page cache, or finds such a zone without a look-up.
void empty_caches()
{
    flush_freed();
    drain_object_stock();
    call_on_others([] { drain_object_stock(); });
    drain_page_cache();
    call_on_others([] { drain_page_cache(); });
}

// Empties the caches until all pages of the closed zone are free, or their number has not risen for
// kMaxRounds rounds. Returns the number of pages that stay in use.
u64 pages_that_stay_in_use(PageZone& zone)
{
    u64 least = zone.managed_pages() + 1;
    for (u32 round = 0; round < kMaxRounds; ++round) {
        empty_caches();
        const u64 in_use = zone.managed_pages() - zone.free_pages();
        if (in_use == 0)
            return 0;
        if (in_use < least)
            round = 0;
        least = std::min(least, in_use);
        sleep_for_nanoseconds(kPauseNanoseconds);
    }
    return least;
}

void limit_freed_areas()
{
    limit_freed(memory_statistics().total, possible_cpu_count());
}

} // namespace

std::string_view description_of(HotMemoryError error)
{
    switch (error) {
    case HotMemoryError::Empty:
        return "is empty";
    case HotMemoryError::Misaligned:
        return "is not aligned to the largest block of the page allocator";
    case HotMemoryError::OutOfReach:
        return "is not in the linear map's window";
    case HotMemoryError::TooLarge:
        return "has more pages than a zone";
    case HotMemoryError::IsMemory:
        return "contains memory that the kernel has already";
    case HotMemoryError::IsReserved:
        return "contains reserved memory";
    case HotMemoryError::IsDevice:
        return "contains the registers of a device";
    case HotMemoryError::TooManyRanges:
        return "is one range too many";
    case HotMemoryError::NoMemory:
        return "needs tables for which there is no memory";
    case HotMemoryError::RootsDiffer:
        return "has an entry in some root that the master lacks";
    }
    return "";
}

std::expected<void, HotMemoryError> add_memory(PhysRange range, NumaNode node)
{
    const MutexGuard guard{hot_memory_lock};
    if (const auto possible = check_new_memory(range, reach_of_linear_map(), this_machine()); !possible)
        return possible;
    if (overlaps_a_zone(range))
        return std::unexpected{HotMemoryError::IsMemory};
    const auto slot = std::ranges::find(all_added, nullptr, &AddedRange::zone);
    PageZone* const zone = page_zones().unused();
    if (slot == all_added.end() || zone == nullptr)
        return std::unexpected{HotMemoryError::TooManyRanges};
    if (const auto mapped = map_linear_range(range); !mapped)
        return mapped;
    const Bytes taken = descriptor_memory(range);
    slot->range = range;
    slot->zone = zone;
    slot->free = {{{{range.base + taken, range.size - taken}, node}}};
    zone->init(range, node, KernelGeometry::kPageShift, linear_pointer<PageDescriptor>(range.base),
               slot->free, ZoneOrigin::Added);
    page_zones().add(*zone);
    added_count.fetch_add(1, std::memory_order_relaxed);
    limit_freed_areas();
    return {};
}

std::expected<void, RemoveError> remove_memory(PhysRange range)
{
    const MutexGuard guard{hot_memory_lock};
    const auto slot = std::ranges::find_if(all_added, [range](const AddedRange& added) {
        return added.zone != nullptr && added.range == range;
    });
    if (slot == all_added.end())
        return std::unexpected{RemoveError{RemoveError::Reason::NotAdded, 0}};
    PageZone& zone = *slot->zone;
    zone.close();
    {
        const CpusStay stay; // a CPU that goes empties its caches, and one that comes has none yet
        // INV-hot_memory-1
        if (const u64 in_use = pages_that_stay_in_use(zone); in_use != 0) {
            zone.open();
            return std::unexpected{RemoveError{RemoveError::Reason::InUse, in_use}};
        }
    }
    page_zones().remove(zone);
    rcu::synchronize(); // INV-hot_memory-2: nobody uses the zone or its descriptors any more
    if constexpr (kPoisonFreedMemory)
        check_poison_of_zone(zone);
    unmap_linear_range(range);
    zone.forget();
    *slot = {};
    added_count.fetch_sub(1, std::memory_order_relaxed);
    limit_freed_areas();
    return {};
}

u32 added_ranges()
{
    return added_count.load(std::memory_order_relaxed);
}

} // namespace percival::mm
