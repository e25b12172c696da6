// SPDX-License-Identifier: BSD-2-Clause
// Measures the cost of a linear map of a given amount of RAM, with blocks and with pages. The engine builds
// the map in a scratch root that no CPU ever walks, so any amount can be mapped on any machine. Zeroing the
// tables is included.
#include "arch/mmu/pte.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/live_tables.hpp"
#include "mm/page_table/page_table.hpp"
#include "mm/pages/page_allocator.hpp"

namespace percival {
namespace {

using arch::Pte;
using mm::KernelGeometry;

// Tables from the page allocator, accessed through the linear map.
class ScratchTables : public mm::LiveTables<Pte> {
public:
    using NoWalkers = void;

    Pte* table(PhysAddr address) { return mm::linear_pointer<Pte>(address); }
    std::optional<PhysAddr> allocate()
    {
        const auto page = mm::allocate_page();
        if (page) {
            zero(table(*page), KernelGeometry::kPageSize);
            ++tables_;
        }
        return page;
    }
    void free(PhysAddr table) { mm::free_page(table); }

    u64 tables() const { return tables_; }

private:
    u64 tables_{0};
};

using ScratchPageTable = mm::PageTable<KernelGeometry, Pte, ScratchTables>;

void free_tables(ScratchTables& tables, PhysAddr table, mm::Level level)
{
    for (u64 index = 0; index < KernelGeometry::entries(level); ++index) {
        const Pte entry = tables.table(table)[index];
        if (entry.kind(level) == mm::PteKind::Table)
            free_tables(tables, entry.address(), level.down());
    }
    tables.free(table);
}

BenchmarkResult map_scratch(Bytes size, mm::Leaves leaves)
{
    ScratchTables tables;
    const auto root = tables.allocate();
    if (!root)
        panic("no memory for a scratch root");
    ScratchPageTable table{*root, tables, mm::Tables::Private};
    const u64 invalidations = mm::tlb_statistics.invalidations.load(std::memory_order_relaxed);
    const u64 before = arch::instructions_retired();
    // The map starts at physical address 1 TiB, which is aligned as RAM is and is never accessed.
    const auto mapped =
        table.map({mm::KernelLayout::kLinear.base, size}, PhysAddr{u64{1} << 40}, mm::kData, leaves);
    const u64 instructions = static_cast<u32>(arch::instructions_retired() - before);
    const u64 issued = mm::tlb_statistics.invalidations.load(std::memory_order_relaxed) - invalidations;
    const u64 made = tables.tables();
    free_tables(tables, *root, KernelGeometry::kRootLevel);
    if (!mapped)
        panic("no memory for the tables of {}", size);
    return {.hundredths = instructions * 100, .tables = made, .invalidations = issued};
}

PERCIVAL_BENCHMARK(linear_map_1GiB_blocks, "-")
{
    return map_scratch(1_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_4GiB_blocks, "-")
{
    return map_scratch(4_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_16GiB_blocks, "-")
{
    return map_scratch(16_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_64GiB_blocks, "-")
{
    return map_scratch(64_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_1GiB_pages, "-")
{
    return map_scratch(1_GiB, mm::Leaves::Pages);
}

PERCIVAL_BENCHMARK(linear_map_4GiB_pages, "-")
{
    return map_scratch(4_GiB, mm::Leaves::Pages);
}

PERCIVAL_BENCHMARK(linear_map_16GiB_pages, "-")
{
    return map_scratch(16_GiB, mm::Leaves::Pages);
}

PERCIVAL_BENCHMARK(linear_map_64GiB_pages, "-")
{
    return map_scratch(64_GiB, mm::Leaves::Pages);
}

} // namespace
} // namespace percival
