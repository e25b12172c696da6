// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_freed.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/this_cpu.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vm_spares.hpp"

#include <atomic>

namespace percival::mm {
namespace {

// Head of each CPU's list of freed areas, the newest first. Other CPUs only ever take the whole list.
PERCIVAL_PERCPU PerCpu<VmArea*> freed{};
// Approximate bytes on the list: a push and a take_all() at the same time may leave the count a little wrong.
PERCIVAL_PERCPU PerCpu<u64> freed_bytes{};

PERCIVAL_PERCPU PerCpu<u64> flushes{};
PERCIVAL_PERCPU PerCpu<u64> flushed_areas{};

// A CPU flushes when it has collected `max_bytes`. Each area counts kPerArea bytes more than it maps, so that
// a list of many small areas is flushed too.
constexpr Bytes kMaxBytes = 4_MiB;
constexpr Bytes kPerArea = 60_KiB;
constinit std::atomic<Bytes> max_bytes{kMaxBytes};

// Puts an area on the list of the current CPU. The thread may be interrupted or migrate between the load of
// the head and the exchange: then the exchange fails, or finds the same head (null) on another CPU's list,
// which serves as well. ABA is harmless: areas are added one by one and taken all at once, so a head that is
// there again is still the head of a whole list.
void push(VmArea& area)
{
    VmArea* first = this_cpu<freed>.read();
    do {
        area.next = first;
        // Release: take_all() runs on any CPU. The CPU that finds the area there sees its `next`, and its
        // flush covers the descriptors that were cleared before.
    } while (!freed.try_cmpxchg_release(first, &area));
}

// Takes the whole list of `cpu`, which may be another CPU than the current one.
VmArea* take_all(CpuId cpu)
{
    std::atomic_ref{freed_bytes.on(cpu)}.store(0, std::memory_order_relaxed);
    return std::atomic_ref{freed.on(cpu)}.exchange(nullptr, std::memory_order_acquire);
}

// Frees the memory of a flushed area, and puts the area into the stock of spares or frees its addresses.
// Device areas go to the region at once.
void free_flushed(VmArea& area)
{
    area.blocks.free_all();
    if (area.kind == VmKind::Device || !put_spare(area))
        vmalloc_region().free(area);
}

// Flushes all areas of a list at once and then frees them (INV-vm_freed-1).
void flush_list(VmArea* list)
{
    if (list == nullptr)
        return;
    {
        KernelTlbBatch batch{kernel_tables()};
        for (const VmArea* area = list; area != nullptr; area = area->next)
            batch.add_leaves({area->range.base, area->mapped}, KernelGeometry::kPageSize);
    }
    u64 count = 0;
    while (list != nullptr) {
        VmArea& area = *list;
        list = area.next;
        free_flushed(area);
        ++count;
    }
    flushes.inc();
    flushed_areas.add(count);
}

[[gnu::noinline]] void flush_this_cpu_list()
{
    flush_list(take_all(this_cpu_id()));
}

} // namespace

void put_freed(VmArea& area)
{
    const u64 counted = (area.mapped + kPerArea).count();
    push(area);
    if (freed_bytes.add_return(counted) >= max_bytes.load(std::memory_order_relaxed).count())
        flush_this_cpu_list();
}

bool flush_freed()
{
    bool any = false;
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu) {
        VmArea* list = take_all(CpuId{cpu});
        any = any || list != nullptr;
        flush_list(list);
    }
    return any;
}

FreedStatistics freed_statistics()
{
    return {sum(flushes), sum(flushed_areas)};
}

void limit_freed(Bytes memory, u32 cpus)
{
    max_bytes.store(std::min(kMaxBytes, Bytes{memory.count() / 64 / cpus}), std::memory_order_relaxed);
}

} // namespace percival::mm
