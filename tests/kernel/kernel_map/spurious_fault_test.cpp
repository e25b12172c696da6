// SPDX-License-Identifier: BSD-2-Clause
// Tests that a fault which is over when the handler looks again is retried, and that a real fault is always
// reported.
#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/live_break.hpp"
#include "mm/kernel_map/spurious_fault.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/kernel_space.hpp"

#include <array>
#include <atomic>
#include <optional>

namespace percival {
namespace {

constexpr Bytes kRunSize = kPage * kRun;
// At the far end of vmalloc, which nothing else uses.
constexpr VirtAddr kAt = (KernelLayout::kVmalloc.end() - kRunSize * 4).align_down(kRunSize);
constexpr VirtAddr kHole = kAt + kRunSize * 2;

u64 spurious_faults()
{
    return mm::memory_statistics().spurious_faults;
}

PERCIVAL_TEST(spurious_fault, a_fault_on_an_address_that_translates_is_retried_and_counted)
{
    static constinit u64 word = 0;
    const u64 before = spurious_faults();
    EXPECT(mm::is_spurious({VirtAddr{4}, address_of(&word), false}));
    EXPECT(mm::is_spurious({VirtAddr{8}, address_of(&word), true}));
    EXPECT_EQ(spurious_faults() - before, 2u);
}

PERCIVAL_TEST(spurious_fault, a_write_to_read_only_memory_is_not_retried)
{
    static constexpr u64 constant = 0;
    EXPECT(mm::is_spurious({VirtAddr{4}, address_of(&constant), false}));
    EXPECT(!mm::is_spurious({VirtAddr{4}, address_of(&constant), true}));
}

PERCIVAL_TEST(spurious_fault, a_retry_that_does_not_help_ends_as_a_real_fault)
{
    static constinit u64 word = 0;
    u64 retries = 0;
    while (retries < 1'000'000 && mm::is_spurious({VirtAddr{12}, address_of(&word), false}))
        ++retries;
    EXPECT(retries < 1'000'000);
    // A different fault in between counts as progress.
    EXPECT(mm::is_spurious({VirtAddr{16}, address_of(&word), false}));
    EXPECT(mm::is_spurious({VirtAddr{12}, address_of(&word), false}));
}

PERCIVAL_TEST(spurious_fault, a_real_fault_is_reported_and_not_counted)
{
    const u64 before = spurious_faults();
    EXPECT(is_a_hole(kHole));
    EXPECT_EQ(spurious_faults(), before);
}

PERCIVAL_TEST(spurious_fault, a_fault_of_the_breaking_cpu_is_reported_at_once)
{
    const mm::LiveBreak in_progress;
    EXPECT(is_a_hole(kHole));
}

// Announces a break of another CPU, which the handler waits for, and does not end it. A real break would keep
// a CPU busy and its interrupts masked, so how long the wait takes would depend on that CPU.
PERCIVAL_TEST(spurious_fault, a_break_that_never_ends_only_delays_the_report_of_a_real_fault)
{
    mm::live_breaks.begun.fetch_add(1, std::memory_order_release);
    EXPECT(is_a_hole(kHole));
    mm::live_breaks.ended.fetch_add(1, std::memory_order_release);
}

// Each break takes 5 ms and begins before the previous one has ended. Together they take longer than one
// break may.
PERCIVAL_TEST_MANUAL(spurious_fault, consecutive_breaks_are_waited_for)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const auto page = mm::allocate_page();
    ASSERT(page.has_value());
    std::atomic<bool> begun{false};
    run_everywhere([&](CpuId cpu) {
        if (cpu == kBootCpu) {
            // Overlapping breaks do not unmask interrupts in the reverse order of masking, so this mask
            // encloses them all.
            const arch::InterruptMask masked;
            std::array<std::optional<mm::LiveBreak>, 2> breaks{};
            for (u32 number = 0; number < 400; ++number) {
                breaks[number % 2].emplace();
                breaks[1 - number % 2].reset();
                begun.store(true, std::memory_order_release);
                const u64 until = arch::timer_ticks() + arch::timer_frequency() / 200;
                while (arch::timer_ticks() < until)
                    arch::relax();
            }
            EXPECT(mm::master_table().map({kHole, kPage}, *page, mm::kData).has_value());
            breaks[1].reset();
        } else if (cpu == nth_online_cpu(1)) {
            while (!begun.load(std::memory_order_acquire))
                arch::relax();
            EXPECT(!read_from(kHole).has_value());
        }
    });
    unmap({kHole, kPage});
    mm::free_page(*page);
}

// A contiguous run of pages that every other CPU reads all the time.
struct Readers {
    std::atomic<bool> stop{false};
    std::atomic<u32> running{0};
    std::atomic<u64> wrong{0};

    void read()
    {
        running.fetch_add(1, std::memory_order_relaxed);
        while (!stop.load(std::memory_order_relaxed)) {
            for (u64 page = 0; page < kRun; ++page) {
                const auto* word = reinterpret_cast<const volatile u64*>((kAt + kPage * page).raw());
                if (*word != page)
                    wrong.fetch_add(1, std::memory_order_relaxed);
            }
        }
    }
};

// The kernel's tables as on a CPU where leaves in use cannot change their size: every change of a run breaks
// it.
struct BreakingTables : mm::LiveTables<arch::Pte> {
    using Break = mm::LiveBreak;
    // Ends each break 100 us late, so that the readers, which only access the run, fault on it. That none
    // of them runs in any of kAtLeast breaks is less likely than one in a million, even on a host that
    // stops them nine tenths of the time.
    static void fill(arch::Pte* first, u64 count, arch::Pte value, Bytes step)
    {
        const u64 until = arch::timer_ticks() + arch::timer_frequency() / 10'000;
        while (arch::timer_ticks() < until)
            arch::relax();
        mm::LiveTables<arch::Pte>::fill(first, count, value, step);
    }
    static arch::Pte* table(PhysAddr address) { return mm::kernel_tables().table(address); }
    static std::optional<PhysAddr> allocate() { return mm::kernel_tables().allocate(); }
};

// Protects the run back and forth until a reader has faulted on it, and at least kAtLeast times.
void protect_under(const Readers& readers)
{
    constexpr u64 kAtLeast = 200, kAtMost = 100'000;
    while (readers.running.load(std::memory_order_relaxed) != online_cpu_count() - 1)
        arch::relax();
    BreakingTables tables;
    mm::PageTable<KernelGeometry, arch::Pte, BreakingTables> master{mm::master_root(), tables};
    const u64 before = spurious_faults();
    for (u64 round = 0; round < kAtMost && (round < kAtLeast || spurious_faults() == before); ++round) {
        mm::TlbBatch<KernelGeometry, BreakingTables> batch{tables};
        const auto attributes = round % 2 == 0 ? mm::kReadOnlyData : mm::kData;
        EXPECT(master.protect({kAt, kRunSize}, attributes, batch).has_value());
    }
    EXPECT(spurious_faults() != before);
}

PERCIVAL_TEST(spurious_fault, a_live_run_is_protected_while_all_cpus_read_it)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const auto order = mm::order_for(kRunSize, kPage);
    const auto memory = mm::allocate_pages(order);
    ASSERT(memory.has_value());
    for (u64 page = 0; page < kRun; ++page)
        *mm::linear_pointer<u64>(*memory + kPage * page) = page;
    ASSERT(mm::master_table().map({kAt, kRunSize}, *memory, mm::kData).has_value());
    EXPECT(mm::master_table().walk(kAt).is_in_run());

    Readers readers;
    run_everywhere([&](CpuId cpu) {
        if (cpu != kBootCpu) {
            const auto fault =
                arch::catch_fault([](void* them) { static_cast<Readers*>(them)->read(); }, &readers);
            EXPECT(!fault.has_value());
            return;
        }
        protect_under(readers);
        readers.stop.store(true, std::memory_order_relaxed);
    });
    EXPECT_EQ(readers.wrong.load(), 0u);
    unmap({kAt, kRunSize});
    mm::free_pages(*memory, order);
}

} // namespace
} // namespace percival
