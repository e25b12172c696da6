// SPDX-License-Identifier: BSD-2-Clause
// set_memory() on pages of the linear map and of vmalloc: what it grants and what it refuses.
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "linker/symbols.hpp"
#include "mm/image/image.hpp"
#include "mm/merge/background_merge.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/set_memory_support.hpp"
#include "tests/kernel/support/vm_support.hpp"

#include <atomic>

namespace percival {
namespace {

using enum MemoryChange;

PERCIVAL_TEST(set_memory, a_read_only_page_refuses_writes_on_every_cpu)
{
    const LinearPage page;
    SKIP_UNLESS_IT_CAN_CHANGE(page);
    word_at(page.address()) = 17;
    EXPECT(!error_of(page.range(), ReadOnly));
    run_everywhere([&page](CpuId) {
        EXPECT(refuses_writes(page.address()));
        EXPECT_EQ(word_at(page.address()), 17u);
    });
    EXPECT(!error_of(page.range(), ReadWrite));
    run_everywhere([&page](CpuId) { EXPECT(!write_to(page.address())); });
}

PERCIVAL_TEST(set_memory, an_invalid_page_faults_on_every_cpu_and_keeps_what_it_holds)
{
    const LinearPage page;
    SKIP_UNLESS_IT_CAN_CHANGE(page);
    word_at(page.address()) = 23;
    EXPECT(!error_of(page.range(), Invalid));
    run_everywhere([&page](CpuId) { EXPECT(is_a_hole(page.address())); });
    EXPECT(!error_of(page.range(), Valid));
    run_everywhere([&page](CpuId) { EXPECT_EQ(word_at(page.address()), 23u); });
}

PERCIVAL_TEST(set_memory, only_a_read_only_page_becomes_executable_and_then_is_not_writable)
{
    const LinearPage page;
    SKIP_UNLESS_IT_CAN_CHANGE(page);
    EXPECT(error_of(page.range(), Executable) == SetMemoryError::WriteAndExecute);
    EXPECT(!error_of(page.range(), ReadOnly) && !error_of(page.range(), Executable));
    EXPECT(mm::master_table().walk(page.address()).pte.attributes() == mm::kText);
    EXPECT(error_of(page.range(), ReadWrite) == SetMemoryError::WriteAndExecute);
    EXPECT(!error_of(page.range(), NotExecutable) && !error_of(page.range(), ReadWrite));
    EXPECT(!write_to(page.address()));
}

// Every other CPU writes all the time, while this one changes the page to and fro.
PERCIVAL_TEST(set_memory, every_cpu_meets_the_new_permission_once_the_change_has_returned)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const LinearPage page;
    SKIP_UNLESS_IT_CAN_CHANGE(page);
    constexpr u32 kTurns = 200;
    // Even: writable. Odd: read-only. Between two turns it is neither.
    constexpr u32 kChanging = ~u32{0};
    std::atomic<u32> turn{0};
    std::atomic<u32> wrong{0};
    std::atomic<bool> over{false};
    run_everywhere([&](CpuId cpu) {
        if (cpu == kBootCpu) {
            for (u32 next = 1; next <= kTurns; ++next) {
                turn.store(kChanging);
                if (error_of(page.range(), next % 2 == 0 ? ReadWrite : ReadOnly))
                    ++wrong;
                turn.store(next);
                for (u32 looks = 0; looks < 50; ++looks)
                    arch::relax();
            }
            over.store(true);
        }
        while (!over.load()) {
            const u32 before = turn.load();
            const bool refused = refuses_writes(page.address());
            if (before != kChanging && turn.load() == before && refused != (before % 2 != 0))
                ++wrong;
        }
    });
    EXPECT_EQ(wrong.load(), 0u);
}

PERCIVAL_TEST(set_memory, what_is_sealed_is_refused)
{
    const auto linear = [](PhysAddr at) {
        return VirtRange{mm::linear_address(at.align_down(kPage)), kPage};
    };
    for (const PhysAddr sealed : {mm::image_to_physical(_text), mm::image_to_physical(_rodata),
                                  mm::master_root(), mm::cpu_root(kBootCpu)}) {
        for (const MemoryChange change : {ReadWrite, Executable, Invalid})
            EXPECT(error_of(linear(sealed), change) == SetMemoryError::Sealed);
    }
    EXPECT(refuses_writes(linear(mm::cpu_root(kBootCpu)).base));
}

PERCIVAL_TEST(set_memory, a_wrong_range_is_refused)
{
    const LinearPage page;
    EXPECT(error_of({page.address() + Bytes{8}, kPage}, ReadOnly) == SetMemoryError::Misaligned);
    EXPECT(error_of({page.address(), Bytes{8}}, ReadOnly) == SetMemoryError::Misaligned);
    EXPECT(error_of({address_of(_text).align_down(kPage), kPage}, ReadOnly) == SetMemoryError::WrongRegion);
    EXPECT(error_of({VirtAddr{0}, kPage}, ReadOnly) == SetMemoryError::WrongRegion);
    EXPECT(error_of({KernelLayout::kVmalloc.end() - kPage, kPage}, ReadOnly) == SetMemoryError::NotMapped);
}

PERCIVAL_TEST(set_memory, blocks_that_a_cpu_cannot_split_in_use_are_refused_and_stay)
{
    const LinearPage page;
    if (page.can_change())
        SKIP("every CPU can split blocks, or this page is mapped alone");
    for (const MemoryChange change : {ReadOnly, Invalid})
        EXPECT(error_of(page.range(), change) == SetMemoryError::NotSplittable);
    EXPECT(!write_to(page.address()));
}

PERCIVAL_TEST(set_memory, a_reserve_serves_a_change_with_interrupts_masked_without_memory)
{
    const LinearPage page;
    SKIP_UNLESS_IT_CAN_CHANGE(page);
    mm::TableReserve reserve;
    ASSERT(reserve.fill());
    const u64 tables = mm::kernel_tables().tables_made();
    {
        const arch::InterruptMask masked;
        EXPECT(mm::set_memory(page.range(), ReadOnly, reserve).has_value());
    }
    EXPECT(refuses_writes(page.address()));
    EXPECT_EQ(mm::kernel_tables().tables_made(), tables);
}

PERCIVAL_TEST(set_memory, a_block_of_the_linear_map_is_split_once_and_merged_back)
{
    if (!mm::kernel_tables().resizes_live() || mm::linear_leaves == mm::Leaves::Pages)
        SKIP("the linear map is not made of blocks that can be split in use");
    const LinearPage page;
    // What was mapped in parts at boot may become a block here, once and for all.
    EXPECT(!error_of(page.range(), ReadOnly) && !error_of(page.range(), ReadWrite));
    mm::merge_now();
    const auto before = mm::master_table().walk(page.address());
    const u64 tables = mm::kernel_tables().tables_made();
    EXPECT(!error_of(page.range(), ReadOnly));
    EXPECT_EQ(mm::master_table().walk(page.address()).reach(), kPage);
    mm::merge_now(); // the page still differs
    EXPECT_EQ(mm::master_table().walk(page.address()).reach(), kPage);
    EXPECT(!error_of(page.range(), ReadWrite));
    mm::merge_now();
    EXPECT_EQ(mm::master_table().walk(page.address()).reach(), before.reach());
    EXPECT_EQ(mm::kernel_tables().tables_made(), tables);
    run_everywhere([&page](CpuId) { EXPECT(!write_to(page.address())); });
}

PERCIVAL_TEST(set_memory, an_area_of_vmalloc_is_changed_page_by_page_and_freed_as_a_whole)
{
    expect_nothing_kept([] {
        const u64 pages = kRun * 2 + 3;
        const auto area = mm::vmalloc(kPage * pages);
        ASSERT(area.has_value());
        const VirtAddr base = address_of(*area);
        EXPECT(!error_of({base + kPage, kPage}, ReadOnly));
        EXPECT(!error_of({base + kPage * 2, kPage * kRun}, Invalid));
        EXPECT(refuses_writes(base + kPage));
        EXPECT(is_a_hole(base + kPage * 2));
        EXPECT(!write_to(base));
        EXPECT(!error_of({base + kPage * 3, kPage}, Valid));
        EXPECT(!write_to(base + kPage * 3));
        mm::vfree(*area);
        EXPECT(error_of({base, kPage}, Valid) == SetMemoryError::NotMapped);
        EXPECT(error_of({base + kPage * 2, kPage}, Valid) == SetMemoryError::NotMapped);
    });
}

} // namespace
} // namespace percival
