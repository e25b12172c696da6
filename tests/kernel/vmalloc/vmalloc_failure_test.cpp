// SPDX-License-Identifier: BSD-2-Clause
// vmalloc() and vmap() under failures: an allocation that fails at every step, memory that is used up, and
// wrong frees. Nothing is lost, and nothing else is harmed.
#include "linker/symbols.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/physical/page_poison.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/page_hoard.hpp"
#include "tests/kernel/support/vm_support.hpp"

namespace percival {
namespace {

using mm::VmError;

// Lets each allocation that `attempt` makes fail in turn. `attempt` frees what it got, and may succeed in
// spite of the failure. All of this runs twice, and the second time with more failures than the slabs have
// room to hide a leaked note in.
template <class F>
void fail_at_every_step(F attempt)
{
    u32 failures = 0;
    expect_nothing_kept([&] {
        for (u32 turn = 0; turn < 8; ++turn) {
            bool failed = true;
            for (u32 nth = 1; failed; ++nth) {
                vm_use(); // empties the stocks before each attempt
                mm::FailNth fail{nth};
                attempt();
                failed = fail.has_failed();
                failures += failed;
            }
        }
    });
    EXPECT(failures >= 8); // at least one in each turn, however much room the slabs have
}

// Frees the result of an attempt, or expects that it failed for want of memory.
void take_back(const std::expected<void*, VmError>& result, void (*free)(void*))
{
    if (result)
        free(*result);
    else
        EXPECT_EQ(result.error(), VmError::NoMemory);
}

PERCIVAL_TEST(vmalloc_failure, vmalloc_survives_a_failure_at_every_step)
{
    for (const u64 pages : {1u, 3u, 17u, 31u})
        fail_at_every_step([pages] { take_back(mm::vmalloc(kPage * pages), &mm::vfree); });
}

PERCIVAL_TEST(vmalloc_failure, vzalloc_survives_a_failure_at_every_step)
{
    fail_at_every_step([] { take_back(mm::vzalloc(kPage * 7, kPage * 8), &mm::vfree); });
}

PERCIVAL_TEST(vmalloc_failure, vmap_and_ioremap_survive_a_failure_at_every_step)
{
    const PhysAddr pages[] = {mm::image_to_physical(_text), mm::image_to_physical(_text) + kPage * 2};
    fail_at_every_step([&pages] { take_back(mm::vmap(pages, mm::kReadOnlyData), &mm::vunmap); });
    fail_at_every_step([] {
        const auto mapped = mm::ioremap(some_registers());
        if (mapped)
            mm::iounmap(*mapped);
        else
            EXPECT_EQ(mapped.error(), VmError::NoMemory);
    });
}

// The large alignment leads to addresses that were never used, which have no tables yet. Tables that were
// made before the failure stay.
PERCIVAL_TEST(vmalloc_failure, failure_to_make_tables_leaks_no_areas)
{
    constexpr Bytes kFar{mm::KernelLayout::kVmalloc.size.count() / 4};
    const Bytes alignment{std::bit_floor(kFar.count())};
    for (const u64 pages : {1u, 17u}) {
        const VmUse before = vm_use();
        bool failed = true;
        for (u32 nth = 1; failed; ++nth) {
            const mm::FailNth fail{nth};
            take_back(mm::vmalloc(kPage * pages, alignment), &mm::vfree);
            failed = fail.has_failed();
        }
        const VmUse after = vm_use();
        EXPECT_EQ(after.areas, before.areas);
        EXPECT(after.memory - before.memory <= kPage * mm::KernelGeometry::kLevels);
    }
}

PERCIVAL_TEST(vmalloc_failure, all_memory_can_be_allocated_and_freed)
{
    const auto total = mm::memory_statistics().total;
    if (total > (mm::kPoisonFreedMemory ? 2_GiB : 16_GiB))
        SKIP("an emulator's host may not have that much memory, or takes too long to poison it");
    drain_all_page_caches();
    expect_nothing_kept([] {
        // Where the region has fewer addresses than there is memory, memory has to run out first.
        constexpr Bytes kAddressable{mm::KernelLayout::kVmalloc.size.count() / 2};
        PageHoard beyond;
        while (mm::memory_statistics().free > kAddressable && beyond.take(mm::kMaxPageOrder)) {
        }
        // Each allocation holds a pointer to the one before.
        struct Link {
            Link* older;
        };
        Link* newest = nullptr;
        u64 failures = 0;
        for (Bytes size = 32_MiB; size >= kPage; size = Bytes{size.count() / 2}) {
            for (;;) {
                const auto memory = mm::vmalloc(size);
                if (!memory) {
                    EXPECT_EQ(memory.error(), VmError::NoMemory);
                    ++failures;
                    break;
                }
                newest = new (*memory) Link{newest};
            }
        }
        EXPECT(failures > 8);
        EXPECT(mm::memory_statistics().free < kPage * 64);
        while (newest != nullptr) {
            Link* const older = newest->older;
            mm::vfree(newest);
            newest = older;
        }
    });
}

// Expects that a wrong free is reported on the console and has no other effect.
template <class F>
void expect_refused(F free)
{
    const auto before = mm::memory_statistics();
    const u64 areas = mm::freed_statistics().areas;
    free();
    mm::flush_freed();
    EXPECT_EQ(mm::memory_statistics().bad_frees, before.bad_frees + 1);
    EXPECT_EQ(mm::memory_statistics().used, before.used);
    EXPECT_EQ(mm::freed_statistics().areas, areas);
}

void expect_vfree_refused(VirtAddr address)
{
    expect_refused([address] { mm::vfree(reinterpret_cast<void*>(address.raw())); });
}

PERCIVAL_PERCPU PerCpu<u64> percpu_variable{};

PERCIVAL_TEST(vmalloc_failure, free_of_an_address_that_is_no_allocation_is_refused)
{
    const Vmalloced memory{kPage * 3};
    const Vmalloced other{kPage};
    ASSERT(memory && other);
    sign_pages(memory.get(), 3, 7);
    mm::flush_freed();
    expect_vfree_refused(memory.address() + kPage);                 // inside the allocation
    expect_vfree_refused(memory.address() + Bytes{8});              // inside its first page
    expect_vfree_refused(memory.address() + kPage * 3);             // its guard
    expect_vfree_refused(memory.address() - kPage);                 // the page before
    expect_vfree_refused(mm::KernelLayout::kVmalloc.end() - kPage); // not in use
    expect_vfree_refused(mm::KernelLayout::kVmalloc.end());         // outside the region
    expect_vfree_refused(mm::linear_address(arch::translate(memory.address()).address)); // its linear alias
    expect_vfree_refused(address_of(_text));                                             // the image
    expect_vfree_refused(cpu_stack(kBootCpu).base);                                      // a stack
    expect_vfree_refused(address_of(&percpu_variable));
    expect_vfree_refused(VirtAddr{8});
    expect_vfree_refused(VirtAddr{~u64{0}});
    EXPECT(are_signed(memory.get(), 3, 7));
}

PERCIVAL_TEST(vmalloc_failure, a_second_free_is_refused_before_and_after_the_flush)
{
    mm::flush_freed();
    for (const u64 pages : {1u, 17u}) { // after the flush the area is a spare, or free
        const auto memory = mm::vmalloc(kPage * pages);
        ASSERT(memory.has_value());
        mm::vfree(*memory);
        const auto before = mm::memory_statistics().bad_frees;
        mm::vfree(*memory);
        EXPECT_EQ(mm::memory_statistics().bad_frees, before + 1);
        mm::flush_freed();
        expect_vfree_refused(address_of(*memory));
    }
}

PERCIVAL_TEST(vmalloc_failure, a_free_of_another_kind_is_refused)
{
    const Vmalloced memory{kPage};
    ASSERT(memory);
    const PhysAddr page = arch::translate(memory.address()).address;
    const auto mapped = mm::vmap({&page, 1}, mm::kReadOnlyData);
    const auto registers = mm::ioremap(some_registers());
    ASSERT(mapped.has_value() && registers.has_value());
    mm::flush_freed();
    expect_vfree_refused(address_of(*mapped));
    expect_vfree_refused(registers->align_down(kPage));
    expect_refused([&] { mm::vunmap(memory.get()); });
    expect_refused([&] { mm::vunmap(reinterpret_cast<void*>(registers->align_down(kPage).raw())); });
    expect_refused([&] { mm::iounmap(memory.address()); });
    expect_refused([&] { mm::iounmap(address_of(*mapped)); });
    EXPECT_EQ(arch::translate(address_of(*mapped)).address, page);
    mm::vunmap(*mapped);
    mm::iounmap(*registers);
}

PERCIVAL_TEST(vmalloc_failure, free_of_null_is_ignored)
{
    const u64 before = mm::memory_statistics().bad_frees;
    mm::vfree(nullptr);
    mm::vunmap(nullptr);
    EXPECT_EQ(mm::memory_statistics().bad_frees, before);
}

} // namespace
} // namespace percival
