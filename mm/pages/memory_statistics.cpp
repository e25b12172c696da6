// SPDX-License-Identifier: BSD-2-Clause
#include "mm/pages/memory_statistics.hpp"

#include "kernel/lib/print.hpp"
#include "mm/kernel_map/spurious_fault.hpp"
#include "mm/pages/page_cache.hpp"
#include "mm/percpu/area.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/physical/page_zones.hpp"

#include <atomic>

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<u64> pages_taken{};
PERCIVAL_PERCPU PerCpu<u64> pages_returned{};
PERCIVAL_PERCPU PerCpu<u64> object_pages_taken{};
PERCIVAL_PERCPU PerCpu<u64> object_pages_returned{};
PERCIVAL_PERCPU PerCpu<u64> page_cache_refills{};
PERCIVAL_PERCPU PerCpu<u64> page_cache_drains{};
PERCIVAL_PERCPU PerCpu<u64> remote_pages{};
PERCIVAL_PERCPU PerCpu<u64> allocation_failures{};
PERCIVAL_PERCPU PerCpu<u64> bad_frees{};
PERCIVAL_PERCPU PerCpu<u64> late_writes{};

namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

// Returns the number of pages in all CPUs' page caches. The counts may change meanwhile.
u64 cached_pages()
{
    u64 pages = 0;
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        pages += std::atomic_ref{page_cache.on(CpuId{cpu}).count}.load(std::memory_order_relaxed);
    return pages;
}

} // namespace

u64 sum(const PerCpu<u64>& counter)
{
    u64 total = 0;
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        total += std::atomic_ref{counter.on(CpuId{cpu})}.load(std::memory_order_relaxed);
    return total;
}

MemoryStatistics memory_statistics()
{
    u64 in_zones = 0;
    Bytes added{0};
    Bytes added_descriptors{0};
    page_zones().for_each([&](PageZone& zone) {
        in_zones += zone.free_pages();
        if (zone.origin() == ZoneOrigin::Boot)
            return;
        added += zone.bank().size;
        added_descriptors += zone.bank().size - kPage * zone.managed_pages();
    });
    const u64 cached = cached_pages();
    return {
        .total = early_memory().added_bytes() + added,
        .reserved = early_memory().taken_bytes() + added_descriptors,
        .free = kPage * (in_zones + cached),
        .used = kPage * (sum(pages_taken) - sum(pages_returned) - cached),
        .cached = kPage * cached,
        .objects = kPage * (sum(object_pages_taken) - sum(object_pages_returned)),
        .refills = sum(page_cache_refills),
        .drains = sum(page_cache_drains),
        .remote_pages = sum(remote_pages),
        .failures = sum(allocation_failures),
        .bad_frees = sum(bad_frees),
        .late_writes = sum(late_writes),
        .spurious_faults = sum(spurious_faults),
    };
}

void print_memory_statistics()
{
    u32 zones = 0;
    u32 highest_node = 0;
    page_zones().for_each([&](const PageZone& zone) {
        ++zones;
        highest_node = std::max(highest_node, zone.node().number());
    });
    const MemoryStatistics now = memory_statistics();
    print("memory: {} in {} zone(s) of {} node(s): {} KiB free, {} KiB used, {} KiB reserved; {} spurious "
          "faults",
          now.total, zones, highest_node + 1, now.free.count() >> 10, now.used.count() >> 10,
          now.reserved.count() >> 10, now.spurious_faults);
}

} // namespace percival::mm
