// SPDX-License-Identifier: BSD-2-Clause
#include "mm/set_memory/linear_merge.hpp"

#include "mm/set_memory/memory_merger.hpp"
#include "mm/set_memory/set_memory.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace percival::mm {
namespace {

// The addresses of one table of the last level.
constexpr Bytes kStep = KernelGeometry::entry_size(kLastLevel.up());

// The range from the first to the last address that has changed since the last merge.
constinit VirtRange changed_range PERCIVAL_GUARDED_BY(linear_map_lock){};

constinit std::atomic<void (*)()> request{nullptr};

bool can_merge()
{
    return kernel_tables().resizes_live() && linear_leaves == Leaves::Largest;
}

VirtRange take_changed_range()
{
    const IrqSpinGuard guard{linear_map_lock};
    return std::exchange(changed_range, {});
}

void merge_step(VirtAddr at)
{
    TableReserve emptied; // frees the tables, without the lock
    StockedTables<KernelGeometry, arch::Pte, LinearTables> tables{emptied};
    const IrqSpinGuard guard{linear_map_lock};
    const Merged merged =
        MemoryMerger<KernelGeometry, arch::Pte, decltype(tables)>{master_root(), tables}.merge(at);
    set_memory_statistics.merged_blocks.fetch_add(merged.blocks, std::memory_order_relaxed);
    set_memory_statistics.merged_runs.fetch_add(merged.runs, std::memory_order_relaxed);
}

} // namespace

void note_linear_change(VirtRange range)
{
    if (changed_range.is_empty()) {
        changed_range = range;
        return;
    }
    const VirtAddr base = std::min(changed_range.base, range.base);
    changed_range = {base, std::max(changed_range.end(), range.end()) - base};
}

void request_linear_merge()
{
    void (*const function)() = request.load(std::memory_order_relaxed);
    if (function != nullptr && can_merge())
        function();
}

void use_merge_request(void (*function)())
{
    request.store(function, std::memory_order_relaxed);
}

void merge_linear_map()
{
    const VirtRange range = take_changed_range();
    if (!can_merge())
        return;
    for (VirtAddr at = range.base.align_down(kStep); at < range.end(); at += kStep)
        merge_step(at);
}

} // namespace percival::mm
