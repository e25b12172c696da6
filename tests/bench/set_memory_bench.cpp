// SPDX-License-Identifier: BSD-2-Clause
// Measures set_memory() on one page: in a block, which has to be split, and mapped alone. The pages are those
// of vmalloc, which can be changed on every machine. Where leaves do not change their size live, a split
// includes a break.
#include "kernel/lib/assert.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "mm/physical/page_order.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "tests/kernel/support/set_memory_support.hpp"

#include <array>
#include <optional>

namespace percival {
namespace {

// Returns the address of a new area: a block where memory has one and the addresses have no table from an
// earlier area, else runs.
VirtAddr new_block()
{
    const auto area = mm::vmalloc(
        std::min(KernelGeometry::entry_size(mm::kLastLevel.up()), kPage * mm::kMaxPageOrder.pages()));
    PERCIVAL_ASSERT(area.has_value());
    return address_of(*area);
}

void free(VirtAddr area)
{
    mm::vfree(reinterpret_cast<void*>(area.raw()));
}

PERCIVAL_BENCHMARK(set_memory_page_in_block, None)
{
    std::array<VirtAddr, 10> areas{};
    std::optional<u64> least; // an interrupt can only add instructions
    for (VirtAddr& area : areas) {
        // None is freed before the end: the next area would find the table that its addresses keep.
        area = new_block();
        if (mm::master_table().walk(area).level.is_last())
            continue;
        const u64 before = arch::instructions_retired();
        const auto changed = mm::set_memory({area + kPage, kPage}, MemoryChange::ReadOnly);
        const u64 spent = static_cast<u32>(arch::instructions_retired() - before);
        least = std::min(least.value_or(spent), spent);
        PERCIVAL_ASSERT(changed.has_value());
    }
    for (const VirtAddr area : areas)
        free(area);
    if (!least)
        return {.hundredths = 0, .missing = "no area of vmalloc is a block"};
    return {*least * 100};
}

PERCIVAL_BENCHMARK(set_memory_page, None)
{
    const VirtAddr area = new_block();
    const VirtRange page{area + kPage, kPage};
    PERCIVAL_ASSERT(mm::set_memory(page, MemoryChange::ReadOnly).has_value());
    const BenchmarkResult pair = instructions_per_turn([page] {
        PERCIVAL_ASSERT(mm::set_memory(page, MemoryChange::ReadWrite) &&
                        mm::set_memory(page, MemoryChange::ReadOnly));
    });
    free(area);
    return pair.divided_by(2);
}

} // namespace
} // namespace percival
