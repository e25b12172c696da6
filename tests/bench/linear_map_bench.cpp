// SPDX-License-Identifier: BSD-2-Clause
// Measures the cost of a linear map of a given amount of RAM, with blocks and with pages, and of its repaint.
// The engine builds the map in a scratch root that no CPU ever walks, so any amount can be mapped on any
// machine. Zeroing the tables is included.
#include "arch/mmu/pte.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "kernel/wait/others_off_roots.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/live_tables.hpp"
#include "mm/page_table/page_painter.hpp"
#include "mm/page_table/page_table.hpp"
#include "mm/pages/page_allocator.hpp"

#include <array>
#include <span>

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
    static bool resizes_live() { return true; } // nobody walks

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

PERCIVAL_BENCHMARK(linear_map_256MiB_blocks, None)
{
    return map_scratch(256_MiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_1GiB_blocks, None)
{
    return map_scratch(1_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_4GiB_blocks, None)
{
    return map_scratch(4_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_16GiB_blocks, None)
{
    return map_scratch(16_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_64GiB_blocks, None)
{
    return map_scratch(64_GiB, mm::Leaves::Largest);
}

PERCIVAL_BENCHMARK(linear_map_256MiB_pages, None)
{
    return map_scratch(256_MiB, mm::Leaves::Pages);
}

PERCIVAL_BENCHMARK(linear_map_1GiB_pages, None)
{
    return map_scratch(1_GiB, mm::Leaves::Pages);
}

PERCIVAL_BENCHMARK(linear_map_4GiB_pages, None)
{
    return map_scratch(4_GiB, mm::Leaves::Pages);
}

PERCIVAL_BENCHMARK(linear_map_16GiB_pages, None)
{
    return map_scratch(16_GiB, mm::Leaves::Pages);
}

PERCIVAL_BENCHMARK(linear_map_64GiB_pages, None)
{
    return map_scratch(64_GiB, mm::Leaves::Pages);
}

// The parts of the repaint of 1 GiB that consists of blocks of the level above pages, as RAM does in which
// something else lies in each larger block.
struct RepaintCost {
    BenchmarkResult prepared;
    BenchmarkResult painted; // what takes place while the other CPUs are off their roots
};

RepaintCost repaint_scratch()
{
    using Painter = mm::PagePainter<KernelGeometry, Pte, ScratchTables>;
    constexpr Bytes kBlock = KernelGeometry::entry_size(mm::kLastLevel.up());
    constexpr VirtRange kRange{mm::KernelLayout::kLinear.base, 1_GiB};
    ScratchTables tables;
    const auto root = tables.allocate();
    if (!root)
        panic("no memory for a scratch root");
    ScratchPageTable table{*root, tables, mm::Tables::Private};
    // A first page in another table keeps the larger blocks away.
    const PhysAddr memory{u64{1} << 40};
    bool mapped = table.ensure_tables(kRange, mm::kLastLevel.up().up()).has_value() || kBlock >= 512_MiB;
    mapped = mapped && table.map(kRange, memory, mm::kData).has_value();
    Painter painter{*root, tables};
    std::array<PhysAddr, 512> made;
    const u64 blocks = painter.count_blocks(kRange);
    if (!mapped || blocks > made.size())
        panic("no memory for the tables of a repaint");
    const u64 tables_before = tables.tables();
    const u64 before = arch::instructions_retired();
    const bool is_prepared = painter.prepare(kRange, std::span{made}.first(blocks)).has_value();
    const u64 between = arch::instructions_retired();
    if (!is_prepared)
        panic("no memory for the tables of a repaint");
    const u64 invalidations = mm::tlb_statistics.invalidations.load(std::memory_order_relaxed);
    {
        mm::TlbBatch<KernelGeometry, ScratchTables> batch{tables};
        painter.paint(kRange, std::span{made}.first(blocks), batch);
    }
    const u64 after = arch::instructions_retired();
    const u64 issued = mm::tlb_statistics.invalidations.load(std::memory_order_relaxed) - invalidations;
    const u64 count = tables.tables() - tables_before;
    free_tables(tables, *root, KernelGeometry::kRootLevel);
    return {{.hundredths = u64{static_cast<u32>(between - before)} * 100, .tables = count},
            {.hundredths = u64{static_cast<u32>(after - between)} * 100, .invalidations = issued}};
}

PERCIVAL_BENCHMARK(repaint_1GiB_tables, None)
{
    return repaint_scratch().prepared;
}

PERCIVAL_BENCHMARK(repaint_1GiB, None)
{
    return repaint_scratch().painted;
}

// All CPUs leave their roots and come back. In an emulator, where a WFE does not sleep, the count contains
// their looks at the flag.
PERCIVAL_BENCHMARK(others_off_roots, None)
{
    return instructions_per_turn([] { const OthersOffRoots held; });
}

} // namespace
} // namespace percival
