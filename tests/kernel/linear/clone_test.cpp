// SPDX-License-Identifier: BSD-2-Clause
// Tests that a clone of the linear map is the linear map as it was when it was made, entry by entry, that a
// CPU can run on it, and that it costs nothing once it is freed.
#include "mm/linear/clone.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/inspect/ptdump.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/page_hoard.hpp"
#include "tests/kernel/support/roots.hpp"

namespace percival {
namespace {

u64 runs_of_linear_map(PhysAddr root, u64& hash)
{
    const LinearTablesStay stay;
    u64 count = 0;
    hash = 0;
    const auto mix = [&hash](u64 value) { hash = (hash ^ value) * 0x100'0000'01b3; };
    KernelTableDump{TableAt{}}.for_each_run(root, [&](const mm::MappedRun& run) {
        if (!mm::linear_region().contains(run.range.base))
            return;
        ++count;
        mix(run.range.base.raw());
        mix(run.range.size.count());
        mix(run.to.raw());
        mix(static_cast<u64>(run.level.number()) * 2 + run.contiguous);
        mix(static_cast<u64>(run.attributes.protection) * 2 + static_cast<u64>(run.attributes.memory));
    });
    return count;
}

bool is_the_same_map(PhysAddr root)
{
    u64 own = 0, cloned = 0;
    const u64 runs = runs_of_linear_map(mm::cpu_root(this_cpu_id()), own);
    return runs != 0 && runs_of_linear_map(root, cloned) == runs && cloned == own;
}

u64 differences(PhysAddr left, PhysAddr right)
{
    const LinearTablesStay stay;
    u64 count = 0;
    KernelTableDump{TableAt{}}.for_each_difference(left, right, [&count](const mm::Difference&) { ++count; });
    return count;
}

PERCIVAL_TEST(linear_clone, has_every_leaf_of_the_linear_map_with_its_level_hint_and_protection)
{
    mm::LinearClone clone;
    ASSERT(clone.make(this_cpu_id()).has_value());
    EXPECT(is_the_same_map(clone.root()));
    EXPECT_EQ(differences(clone.root(), mm::cpu_root(this_cpu_id())), 0u);
}

PERCIVAL_TEST(linear_clone, keeps_what_was_mapped_when_it_was_made)
{
    const auto page = mm::allocate_page();
    ASSERT(page.has_value());
    const VirtRange range{mm::linear_address(*page), kPage};
    const auto leaf = mm::master_table().walk(range.base);
    if (leaf.level == KernelGeometry::kRootLevel ||
        (leaf.reach() != kPage && !mm::kernel_tables().resizes_live())) {
        mm::free_page(*page);
        SKIP("the linear map has blocks that stand in the roots, or that a CPU does not split live");
    }
    mm::KernelTlbBatch batch{mm::kernel_tables()};
    ASSERT(mm::master_table().protect(range, mm::kReadOnlyData, batch).has_value());
    batch.flush();
    {
        mm::LinearClone clone;
        EXPECT(clone.make(this_cpu_id()).has_value());
        EXPECT(mm::master_table().protect(range, mm::kData, batch).has_value());
        batch.flush();
        const auto cloned = mm::KernelPageTable{clone.root(), mm::kernel_tables()}.walk(range.base);
        EXPECT(cloned.pte.attributes() == mm::kReadOnlyData);
        EXPECT(mm::master_table().walk(range.base).pte.attributes() == mm::kData);
        EXPECT(arch::translates_for_write(range.base));
        {
            const arch::InterruptMask masked;
            const OnRoot on_clone{clone.root()};
            EXPECT(!arch::translates_for_write(range.base));
        }
        EXPECT(arch::translates_for_write(range.base));
    }
    mm::free_page(*page);
}

PERCIVAL_TEST(linear_clone, a_cpu_reads_all_ram_through_it)
{
    mm::LinearClone clone;
    ASSERT(clone.make(this_cpu_id()).has_value());
    const auto own_page = mm::allocate_page();
    ASSERT(own_page.has_value());
    constexpr u64 kPattern = 0x1234'5678'9abc'def0;
    *mm::linear_pointer<volatile u64>(*own_page) = kPattern;
    u64 wrong = 0;
    for (const MemoryBank& bank : this_machine().memory) {
        const Bytes step = kPage * ((bank.range.size.count() >> KernelGeometry::kPageShift) / 256 + 1);
        for (PhysAddr page = bank.range.base.align_up(kPage); page + kPage <= bank.range.end();
             page += step) {
            const arch::InterruptMask masked;
            const arch::Translation own = arch::translate(mm::linear_address(page));
            const OnRoot on_clone{clone.root()};
            const arch::Translation cloned = arch::translate(mm::linear_address(page));
            wrong += cloned.valid != own.valid || (own.valid && cloned.address != own.address);
            if (own.valid)
                static_cast<void>(*mm::linear_pointer<const volatile u64>(page)); // other CPUs may change it
            wrong += *mm::linear_pointer<const volatile u64>(*own_page) != kPattern;
        }
    }
    EXPECT_EQ(wrong, 0u);
    mm::free_page(*own_page);
}

PERCIVAL_TEST(linear_clone, its_tables_are_freed_with_it)
{
    const u64 before = mm::kernel_tables().tables_made();
    {
        mm::LinearClone clone;
        ASSERT(clone.make(this_cpu_id()).has_value());
        EXPECT(mm::kernel_tables().tables_made() > before);
    }
    EXPECT_EQ(mm::kernel_tables().tables_made(), before);
}

PERCIVAL_TEST(linear_clone, without_memory_there_is_an_error_and_nothing_is_left)
{
    const u64 before = mm::kernel_tables().tables_made();
    PageHoard hoard;
    hoard.take_everything();
    {
        mm::LinearClone clone;
        EXPECT(!clone.make(kBootCpu).has_value());
    }
    EXPECT_EQ(mm::kernel_tables().tables_made(), before);
}

} // namespace
} // namespace percival
