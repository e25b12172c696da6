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

// The newest freed area of each CPU. Others only ever take the whole list.
PERCIVAL_PERCPU PerCpu<VmArea*> freed{};
// How much that is; a little wrong when others take it at the same time.
PERCIVAL_PERCPU PerCpu<u64> freed_bytes{};

PERCIVAL_PERCPU PerCpu<u64> flushes{};
PERCIVAL_PERCPU PerCpu<u64> flushed_areas{};

// A CPU flushes when it has collected this much. An area counts for a little more than what is mapped there, so
// that many small ones are flushed too.
constexpr Bytes kMaxBytes = 4_MiB;
constexpr Bytes kPerArea = 60_KiB;
constinit Bytes most_bytes = kMaxBytes;

// Whose list it is does not matter: an interrupt or a migration in between lets the exchange fail, or finds
// the same list. Areas are only ever added one by one or taken all at once, so a head that is there again is
// a head that can be linked to.
void push(VmArea& area)
{
    VmArea* first = this_cpu<freed>.read();
    do {
        area.next = first;
        // Release: take_all() runs on any CPU. The one that finds the area sees its `next`, and its flush covers the
        // descriptors that were cleared before.
    } while (!freed.try_cmpxchg_release(first, &area));
}

VmArea* take_all(CpuId cpu)
{
    std::atomic_ref{freed_bytes.on(cpu)}.store(0, std::memory_order_relaxed);
    return std::atomic_ref{freed.on(cpu)}.exchange(nullptr, std::memory_order_acquire);
}

void give_back(VmArea& area)
{
    area.blocks.free_all();
    if (area.kind == VmKind::Device || !keep_spare(area))
        vmalloc_region().release(area);
}

// Every area of the list, in one flush.
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
        give_back(area);
        ++count;
    }
    flushes.inc();
    flushed_areas.add(count);
}

[[gnu::noinline]] void flush_this_cpus()
{
    flush_list(take_all(this_cpu_id()));
}

} // namespace

void put_freed(VmArea& area)
{
    const u64 counted = (area.mapped + kPerArea).count();
    push(area);
    if (freed_bytes.add_return(counted) >= most_bytes.count())
        flush_this_cpus();
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
    most_bytes = std::min(kMaxBytes, Bytes{memory.count() / 64 / cpus});
}

} // namespace percival::mm
