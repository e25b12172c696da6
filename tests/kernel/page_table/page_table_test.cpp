// SPDX-License-Identifier: BSD-2-Clause
// Tests the engine on the real machine: what the hardware translates after each operation, with and without
// invalidation by range. Also tests that the dump finds a bad mapping.
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "arch/mmu/tlb.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/inspect/ptdump.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "linker/symbols.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/percpu_support.hpp"
#include "tests/kernel/support/roots.hpp"

#include <atomic>
#include <utility>

namespace percival {
namespace {

// The area is far above everything that boot maps, in a region whose lower tables are shared.
constexpr VirtRange kArea{(KernelLayout::kVmalloc.end() - KernelGeometry::entry_size(Level{2}) * 2)
                              .align_down(KernelGeometry::entry_size(Level{2})),
                          kPage* kRun * 2};

alignas(kPage.count()) constinit u64 two_pages[2][kPage.count() / 8] = {};

PhysAddr physical(const void* thing)
{
    return mm::image_to_physical(thing);
}

// Maps each page of the area to the same page of memory, reads it on all CPUs so that their TLBs have it, and
// maps it to another page.
void remap_everything_and_read(bool by_range)
{
    const bool before = std::exchange(arch::range_tlbi_is_used, by_range);
    two_pages[0][0] = 1;
    two_pages[1][0] = 2;
    constexpr u64 kPages = 37; // no power of two: takes several operations of different scale
    for (u64 round = 0; round < 2; ++round) {
        for (u64 page = 0; page < kPages; ++page)
            EXPECT(mm::master_table().map({kArea.base + kPage * page, kPage}, physical(two_pages[round]),
                                          mm::kReadOnlyData));
        u64 wrong[kMaxCpus] = {};
        run_everywhere([&](CpuId cpu) {
            for (u64 page = 0; page < kPages; ++page)
                wrong[cpu.index()] += word_at(kArea.base + kPage * page) != round + 1;
        });
        for_each_online_cpu([&](CpuId cpu) { EXPECT_EQ(wrong[cpu.index()], 0u); });
        unmap({kArea.base, kPage * kPages});
        u64 left = 0;
        for (u64 page = 0; page < kPages; ++page)
            left += arch::translate(kArea.base + kPage * page).valid;
        EXPECT_EQ(left, 0u);
    }
    arch::range_tlbi_is_used = before;
}

PERCIVAL_TEST(page_table, no_cpu_sees_an_old_page_after_a_flush_page_by_page)
{
    remap_everything_and_read(false);
}

PERCIVAL_TEST(page_table, no_cpu_sees_an_old_page_after_a_flush_by_range)
{
    if (!arch::has_range_tlbi())
        SKIP("a CPU of this machine has no FEAT_TLBIRANGE");
    settle_percpu(); // its worker would flush as well
    const u64 before = mm::tlb_statistics.invalidations;
    remap_everything_and_read(true);
    EXPECT(mm::tlb_statistics.invalidations - before <= 2 * 4);
}

struct Flushed {
    u64 invalidations;
    u64 barriers;
    bool operator==(const Flushed&) const = default;
};

// Unmaps a page while flushes are `repeated` or not. Returns what its flush took.
Flushed flush_of_one_page(bool repeated)
{
    const VirtRange page{kArea.base, kPage};
    EXPECT(mm::master_table().map(page, physical(two_pages[0]), mm::kReadOnlyData).has_value());
    const bool chosen = std::exchange(arch::tlbi_is_repeated, repeated);
    const u64 invalidations = mm::tlb_statistics.invalidations, barriers = mm::tlb_statistics.barriers;
    unmap(page);
    const Flushed flushed{mm::tlb_statistics.invalidations - invalidations,
                          mm::tlb_statistics.barriers - barriers};
    arch::tlbi_is_repeated = chosen;
    return flushed;
}

// What the boot chooses for each CPU is in a line of the boot.
PERCIVAL_TEST(page_table, a_flush_is_repeated_exactly_where_this_is_chosen)
{
    settle_percpu(); // its worker would flush as well
    EXPECT(flush_of_one_page(true) == (Flushed{2, 3}));
    if (!arch::needs_repeated_tlbi()) // otherwise a CPU needs it
        EXPECT(flush_of_one_page(false) == (Flushed{1, 2}));
}

// All CPUs read a leaf while it is split, and none of them faults as it would with break-before-make. The
// leaf is a block, or a run of pages where a block is too large to be allocated.
PERCIVAL_TEST(page_table, a_leaf_that_all_cpus_read_is_split_live)
{
    if (!mm::kernel_tables().resizes_live())
        SKIP("a CPU of this machine changes sizes only by break-before-make");
    constexpr Bytes kBlock = KernelGeometry::entry_size(mm::Level{2});
    constexpr Bytes kLargest = kPage * mm::kMaxPageOrder.pages();
    constexpr Bytes kSize = kBlock <= kLargest ? kBlock : kPage * kRun;
    const mm::PageOrder order = mm::order_for(kSize, kPage);
    const auto memory = mm::allocate_pages(order);
    ASSERT(memory.has_value());
    constexpr u64 kPattern = 0x1234'5678'9abc'def0;
    // No other code uses this area, so there is room for a block, unless an earlier run of this test split
    // one here.
    const VirtRange area{kArea.base - kBlock * 2, kSize};
    const VirtAddr cut = area.base + kPage * 3;
    *mm::linear_pointer<volatile u64>(*memory + kPage * 3) = kPattern;
    ASSERT(mm::master_table().map(area, *memory, mm::kReadOnlyData).has_value());
    EXPECT(mm::master_table().walk(cut).reach() > kPage);

    settle_percpu(); // its worker might break leaves, on which other CPUs fault
    const u64 faults = mm::memory_statistics().spurious_faults;
    std::atomic<u32> reading{0};
    std::atomic<bool> is_cut{false};
    u64 wrong[kMaxCpus] = {};
    run_everywhere([&](CpuId cpu) {
        if (cpu == kBootCpu) {
            while (reading != online_cpu_count() - 1)
                arch::relax();
            mm::KernelTlbBatch batch{mm::kernel_tables()};
            EXPECT(mm::master_table().protect({cut, kPage}, mm::kText, batch).has_value());
            is_cut = true;
            return;
        }
        wrong[cpu.index()] += word_at(cut) != kPattern;
        reading.fetch_add(1);
        while (!is_cut)
            wrong[cpu.index()] += word_at(cut) != kPattern;
        wrong[cpu.index()] += word_at(cut) != kPattern;
    });
    for_each_online_cpu([&](CpuId cpu) { EXPECT_EQ(wrong[cpu.index()], 0u); });
    EXPECT_EQ(mm::memory_statistics().spurious_faults, faults);
    EXPECT_EQ(mm::master_table().walk(cut).reach(), kPage);
    unmap(area);
    mm::free_pages(*memory, order);
}

PERCIVAL_TEST(page_table, part_of_a_run_can_be_protected_and_unmapped)
{
    // The memory behind the run is the image's text, which is only read through this alias.
    const PhysAddr text = physical(_text).align_up(kPage * kRun);
    ASSERT(mm::master_table().map({kArea.base, kPage * kRun}, text, mm::kReadOnlyData).has_value());
    EXPECT(mm::master_table().walk(kArea.base).is_in_run());
    unmap({kArea.base + kPage, kPage});
    EXPECT(!mm::master_table().walk(kArea.base).is_in_run());
    EXPECT(!arch::translate(kArea.base + kPage).valid);
    EXPECT_EQ(arch::translate(kArea.base).address, text);
    EXPECT_EQ(arch::translate(kArea.base + kPage * (kRun - 1)).address, text + kPage * (kRun - 1));
    unmap({kArea.base, kPage});
    unmap({kArea.base + kPage * 2, kPage * (kRun - 2)});
}

PERCIVAL_TEST(page_table, a_mapping_that_fails_leaves_nothing_behind)
{
    ASSERT(mm::master_table()
               .map({kArea.base + kPage, kPage}, physical(two_pages[0]), mm::kReadOnlyData)
               .has_value());
    const auto refused =
        mm::master_table().map({kArea.base, kPage * 2}, physical(two_pages[0]), mm::kReadOnlyData);
    EXPECT(!refused && refused.error() == mm::MapError::AlreadyMapped);
    EXPECT(!arch::translate(kArea.base).valid);
    EXPECT(arch::translate(kArea.base + kPage).valid);
    unmap({kArea.base + kPage, kPage});
}

PERCIVAL_TEST(ptdump, roots_differ_only_in_the_local_window_and_there_by_at_least_a_whole_unit)
{
    SKIP_WITH_COMMON_ROOT();
    const LinearTablesStay stay;
    const KernelTableDump dump{TableAt{}};
    for_each_online_cpu([&dump](CpuId cpu) {
        u64 outside = 0;
        Bytes inside{0};
        dump.for_each_difference(mm::cpu_root(cpu), mm::master_root(), [&](const mm::Difference& difference) {
            const bool in_window = KernelLayout::kLocalPercpu.contains(difference.range) ||
                                   KernelLayout::kLocalShadow.contains(difference.range);
            outside += !in_window;
            inside = inside + difference.range.size;
            EXPECT(difference.left.has_value() && !difference.right.has_value());
        });
        EXPECT_EQ(outside, 0u);
        EXPECT(inside.count() >= address_of(_percpu_end).raw() - address_of(_percpu_start).raw());
    });
}

} // namespace
} // namespace percival
