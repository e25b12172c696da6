// SPDX-License-Identifier: BSD-2-Clause
// Measures the page-table engine.
#include "kernel/lib/assert.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "tests/kernel/support/kernel_space.hpp"

namespace percival {
namespace {

constexpr u64 kTable = KernelGeometry::entries(mm::kLastLevel);

// A tree that no CPU uses. The engine trusts a new table to be empty, so the benchmark clears only the
// entries that it uses, and zeroing tables is not part of the measurement.
struct BenchTables : mm::LiveTables<Pte> {
    static constexpr u64 kPages = KernelGeometry::kLevels;
    static Pte* table(PhysAddr address) { return mm::kernel_tables().table(address); }
    std::optional<PhysAddr> allocate()
    {
        return used == kPages ? std::nullopt : std::optional{mm::image_to_physical(pages[used++])};
    }

    u64 used{1};
    alignas(kPage.count()) static constinit inline u64 pages[kPages][kPage.count() / 8] = {};
};

// Fills a table with single pages; per descriptor, and everything is included except zeroing.
PERCIVAL_BENCHMARK(map_pages_per_descriptor, None)
{
    const VirtAddr base = KernelLayout::kVmalloc.base.align_up(KernelGeometry::entry_size(mm::Level{2}));
    const BenchmarkResult table = instructions_per_turn([base] {
        BenchTables env;
        for (Level level = KernelGeometry::kRootLevel; !level.is_last(); level = level.down())
            BenchTables::pages[level.number() - KernelGeometry::kRootLevel.number()]
                              [KernelGeometry::index(level, base)] = 0;
        mm::PageTable<KernelGeometry, Pte, BenchTables> tree{mm::image_to_physical(BenchTables::pages[0]),
                                                             env};
        // Checked, because a refused mapping would look cheap.
        PERCIVAL_ASSERT(tree.map({base, kPage * kTable}, PhysAddr{0x4000'0000}, mm::kData, mm::Leaves::Pages)
                            .has_value());
    });
    return table.divided_by(kTable);
}

// Maps a page in the kernel's own tables, and unmaps it with its TLBI.
PERCIVAL_BENCHMARK(map_unmap_page, None)
{
    const VirtRange page{KernelLayout::kVmalloc.end() - kPage, kPage};
    return instructions_per_turn([page] {
        static_cast<void>(mm::master_table().map(page, PhysAddr{0x4000'0000}, mm::kReadOnlyData));
        mm::KernelTlbBatch batch{mm::kernel_tables()};
        static_cast<void>(mm::master_table().unmap(page, batch));
    });
}

} // namespace
} // namespace percival
