// SPDX-License-Identifier: BSD-2-Clause
// Tests that a repaint of the linear map makes all of it pages and changes nothing else: memory, holes,
// protection, stacks, and percpu data of every CPU.
#include "mm/linear/repaint.hpp"

#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/inspect/ptdump.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "kernel/wait/others_off_roots.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/roots/check.hpp"
#include "mm/roots/mapping_audit.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/page_hoard.hpp"
#include "tests/kernel/support/thread_group.hpp"

#include <span>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> turns{};

bool is_mapped(PhysAddr page)
{
    return arch::translate(mm::linear_address(page)).valid;
}

template <class Visit>
void for_each_page_of_ram(Visit visit)
{
    for (const MemoryBank& bank : this_machine().memory) {
        const PhysAddr end = bank.range.end().align_down(kPage);
        for (PhysAddr page = bank.range.base.align_up(kPage); page < end; page += kPage)
            visit(page);
    }
}

u64 pages_of_ram()
{
    u64 count = 0;
    for_each_page_of_ram([&count](PhysAddr) { ++count; });
    return count;
}

// What one page of RAM is before and after: its first byte, and how it is mapped.
struct PageState {
    u8 byte;
    bool is_mapped;
    bool is_writable;
    bool operator==(const PageState&) const = default;
};

PageState state_of(PhysAddr page)
{
    const VirtAddr at = mm::linear_address(page);
    if (!is_mapped(page))
        return {0, false, false};
    return {*mm::linear_pointer<const volatile u8>(page), true, arch::translates_for_write(at)};
}

// Pages whose first byte changes while the kernel runs are told by a look at two moments before the repaint.
u64 differences(std::span<const PageState> before, std::span<const bool> changes)
{
    u64 different = 0;
    u64 n = 0;
    for_each_page_of_ram([&](PhysAddr page) {
        PageState now = state_of(page);
        if (changes[n])
            now.byte = before[n].byte;
        different += now != before[n];
        ++n;
    });
    return different;
}

// Counts the leaves of the linear map outside the image's alias that are not single pages.
u64 leaves_that_are_not_pages()
{
    const VirtRange image{mm::linear_address(mm::image_in_memory().base), mm::image_in_memory().size};
    u64 count = 0;
    KernelTableDump{TableAt{}}.for_each_run(mm::master_root(), [&](const mm::MappedRun& run) {
        if (mm::linear_region().contains(run.range.base) && !image.contains(run.range))
            count += run.is_block() || run.contiguous;
    });
    return count;
}

bool may_repaint()
{
    return system_features().has(arch::CpuFeature::ResizesLive) && mm::linear_leaves == mm::Leaves::Largest;
}

// After such a test the linear map consists of pages, so the boot row that runs it runs nothing else.
PERCIVAL_TEST_MANUAL(repaint, every_page_of_ram_is_as_it_was_and_a_page_on_each_cpu)
{
    if (!may_repaint())
        SKIP("the linear map consists of pages, or a CPU does not split live");
    const u64 count = pages_of_ram();
    const auto states = mm::vmalloc(Bytes{count * sizeof(PageState)});
    const auto flags = mm::vmalloc(Bytes{count * sizeof(bool)});
    ASSERT(states.has_value() && flags.has_value());
    const std::span before{new (*states) PageState[count], count};
    const std::span changes{new (*flags) bool[count], count};

    // Threads use their stacks and percpu data on all CPUs throughout, and one CPU comes and goes.
    std::atomic<bool> over{false};
    auto body = [&](u32) {
        while (!over.load(std::memory_order_relaxed)) {
            turns.inc();
            yield();
        }
    };
    {
        ThreadGroup group{2 * online_cpu_count(), body};
        u64 n = 0;
        for_each_page_of_ram([&](PhysAddr page) { before[n++] = state_of(page); });
        sleep_for_nanoseconds(20'000'000);
        n = 0;
        for_each_page_of_ram([&](PhysAddr page) {
            changes[n] = state_of(page).byte != before[n].byte;
            ++n;
        });
        const u64 tables = mm::kernel_tables().tables_made();
        const auto repaint = mm::repaint_linear_map();
        ASSERT(repaint.has_value());
        print("  # {} blocks, {} TLBIs, held for {} ticks", repaint->blocks, repaint->invalidations,
              repaint->held_ticks);
        EXPECT(repaint->blocks != 0);
        // What was free and became a table differs, and the notes about changes, and little else: this stack.
        const u64 may_differ = mm::kernel_tables().tables_made() - tables + count / kPage.count() + 64;
        const u64 different = differences(before, changes);
        print("  # {} of {} pages differ, {} may", different, count, may_differ);
        EXPECT(different <= may_differ);
        for_each_online_cpu([&](CpuId cpu) {
            const u64 turns_before = __atomic_load_n(&turns.on(cpu), __ATOMIC_RELAXED);
            while (__atomic_load_n(&turns.on(cpu), __ATOMIC_RELAXED) == turns_before)
                yield();
        });
        over.store(true);
    }
    EXPECT_EQ(leaves_that_are_not_pages(), 0u);
    EXPECT(mm::linear_leaves == mm::Leaves::Pages);
    for_each_online_cpu([](CpuId cpu) { EXPECT(mm::root_agrees_with_master(cpu)); });
    {
        const LinearTablesStay stay;
        EXPECT_EQ(mm::audit_mappings().flaws, 0u);
    }
    mm::vfree(*states);
    mm::vfree(*flags);
}

PERCIVAL_TEST_MANUAL(repaint, succeeds_while_a_cpu_comes_and_goes)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    if (!may_repaint())
        SKIP("the linear map consists of pages, or a CPU does not split live");
    std::atomic<bool> over{false};
    auto body = [&](u32) {
        while (!over.load())
            const Away away{nth_online_cpu(1)};
    };
    {
        ThreadGroup group{1, body};
        const auto repaint = mm::repaint_linear_map();
        EXPECT(repaint.has_value());
        over.store(true);
    }
    EXPECT_EQ(leaves_that_are_not_pages(), 0u);
    for (u32 index = 0; index < possible_cpu_count(); ++index)
        EXPECT(mm::root_agrees_with_master(CpuId{index}));
}

PERCIVAL_TEST_MANUAL(repaint, without_memory_for_the_tables_the_linear_map_stays_as_it_is)
{
    if (!may_repaint())
        SKIP("the linear map consists of pages, or a CPU does not split live");
    const u64 leaves = leaves_that_are_not_pages();
    {
        PageHoard hoard;
        hoard.take_everything();
        EXPECT(!mm::repaint_linear_map().has_value());
    }
    EXPECT_EQ(leaves_that_are_not_pages(), leaves);
    EXPECT(mm::linear_leaves == mm::Leaves::Largest);
}

// A thread of CPU 1 keeps its interrupts masked for ever.
PERCIVAL_TEST_MANUAL(repaint, a_cpu_that_does_not_leave_its_root_is_named_by_a_panic)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    if (!may_repaint())
        SKIP("the linear map consists of pages, or a CPU does not split live");
    std::atomic<bool> is_deaf{false};
    auto body = [&](u32) {
        const arch::InterruptMask masked;
        is_deaf.store(true);
        for (;;)
            arch::relax();
    };
    ThreadGroup group{1, body, [](u32) { return on_cpu(nth_online_cpu(1)); }};
    while (!is_deaf.load())
        yield();
    EXPECT(!mm::repaint_linear_map().has_value()); // does not return
}

// The others miss at most the ticks of this time, and answer again afterwards.
PERCIVAL_TEST(repaint, cpus_that_were_off_their_roots_go_on_with_their_stacks_and_percpu_data)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    for (u32 round = 0; round < 8; ++round) {
        const OthersOffRoots held;
    }
    for_each_online_cpu([](CpuId cpu) {
        u64 before = 0, after = 0;
        call_on(cpu, [&] {
            before = turns.read();
            turns.inc();
            after = turns.read();
        });
        EXPECT_EQ(after, before + 1);
    });
}

PERCIVAL_TEST(repaint, after_a_boot_that_chose_pages_no_leaf_of_the_linear_map_is_larger)
{
    if (mm::linear_leaves != mm::Leaves::Pages)
        SKIP("the linear map consists of blocks");
    EXPECT_EQ(leaves_that_are_not_pages(), 0u);
}

} // namespace
} // namespace percival
