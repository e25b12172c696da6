// SPDX-License-Identifier: BSD-2-Clause
// What one CPU can see of vmalloc(): memory of the requested size and alignment between guard pages, and when
// that memory and its addresses are reused.
#include "kernel/wait/run_everywhere.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/guarded_objects.hpp"
#include "tests/kernel/support/percpu_support.hpp"
#include "tests/kernel/support/vm_support.hpp"

namespace percival {
namespace {

using mm::VmError;

// Returns the size of the largest test allocation. Linux's tests allocate up to 100 pages at once, which is
// too much for large pages and little memory.
u64 max_pages()
{
    return std::clamp<u64>(share_of_memory().count() / kPage.count(), 1, 100);
}

// Allocates memory, checks its alignment, writes to all of its pages, checks both of its neighbours, and
// frees it.
void try_out(Bytes size, Bytes alignment)
{
    const Vmalloced memory{size, alignment};
    ASSERT(memory);
    const u64 pages = (size.count() + kPage.count() - 1) / kPage.count();
    EXPECT(memory.address().is_aligned(std::max(alignment, kPage)));
    EXPECT(mm::KernelLayout::kVmalloc.contains({memory.address(), kPage * (pages + 1)}));
    sign_pages(memory.get(), pages, size.count());
    EXPECT(are_signed(memory.get(), pages, size.count()));
    EXPECT(!arch::translate(memory.address() - Bytes{1}).valid);
    EXPECT(!arch::translate(memory.address() + kPage * pages).valid);
}

PERCIVAL_TEST(vmalloc, repeated_allocations_of_one_size)
{
    expect_nothing_kept([] {
        for (u32 turn = 0; turn < 200; ++turn)
            try_out(kPage * 3, Bytes{1});
    });
}

PERCIVAL_TEST(vmalloc, sizes_are_rounded_up_to_whole_pages)
{
    for (const Bytes size : {Bytes{1}, kPage - Bytes{1}, kPage, kPage + Bytes{1}, kPage * 17 - Bytes{8}})
        try_out(size, Bytes{1});
}

PERCIVAL_TEST(vmalloc, random_sizes)
{
    expect_nothing_kept([max = max_pages()] {
        u32 random = 1;
        for (u32 turn = 0; turn < 100; ++turn)
            try_out(kPage * (next_random(random) % max + 1), Bytes{1});
    });
}

PERCIVAL_TEST(vmalloc, random_sizes_at_random_alignments)
{
    expect_nothing_kept([max = std::min<u64>(max_pages(), 10)] {
        u32 random = 2;
        for (u32 turn = 0; turn < 100; ++turn)
            try_out(kPage * (next_random(random) % max + 1), Bytes{u64{1} << next_random(random) % 23});
    });
}

// If an alignment is too large, so are all larger ones.
PERCIVAL_TEST(vmalloc, every_alignment_is_honoured_or_refused_with_its_error)
{
    bool refused = false;
    for (u32 shift = 0; shift < 64; ++shift) {
        const Bytes alignment{u64{1} << shift};
        const auto memory = mm::vmalloc(kPage, alignment);
        if (memory) {
            EXPECT(!refused && address_of(*memory).is_aligned(alignment));
            sign_pages(*memory, 1, shift);
            mm::vfree(*memory);
            continue;
        }
        refused = true;
        const bool too_large = alignment > mm::KernelLayout::kVmalloc.size;
        EXPECT_EQ(memory.error(), too_large ? VmError::BadAlignment : VmError::NoAddresses);
    }
    EXPECT(refused);
}

void expect_error(const std::expected<void*, VmError>& result, VmError error)
{
    if (EXPECT(!result.has_value()))
        EXPECT_EQ(result.error(), error);
    else
        mm::vfree(*result);
}

PERCIVAL_TEST(vmalloc, impossible_sizes_and_alignments_are_refused_with_their_errors)
{
    const VmUse before = vm_use();
    constexpr Bytes kRegion = mm::KernelLayout::kVmalloc.size;
    expect_error(mm::vmalloc(Bytes{0}), VmError::BadSize);
    expect_error(mm::vzalloc(Bytes{0}), VmError::BadSize);
    expect_error(mm::vmalloc(kRegion), VmError::BadSize); // no room for the guard
    expect_error(mm::vmalloc(Bytes{~u64{0}}), VmError::BadSize);
    expect_error(mm::vmalloc(Bytes{u64{1} << 63}), VmError::BadSize);
    expect_error(mm::vmalloc(kRegion - kPage), VmError::NoAddresses); // some are in use
    mm::vfree(*mm::vmalloc(kPage));
    mm::flush_freed(); // there is a spare now, which does not change the answers
    for (const u64 alignment : {u64{0}, u64{3}, u64{12}, kPage.count() - 1, kPage.count() + 1, ~u64{0}})
        expect_error(mm::vmalloc(kPage, Bytes{alignment}), VmError::BadAlignment);
    expect_same_use(before);
}

PERCIVAL_TEST(vmalloc, accesses_beside_each_of_many_allocations_fault)
{
    constexpr u32 kCount = 20; // more than the number of sizes that spares are kept of
    void* all[kCount] = {};
    for (u32 index = 0; index < kCount; ++index) {
        const auto memory = mm::vmalloc(kPage * (index + 1));
        ASSERT(memory.has_value());
        all[index] = *memory;
    }
    for (u32 index = 0; index < kCount; ++index) {
        EXPECT(is_a_hole(address_of(all[index]) - Bytes{1}));
        EXPECT(is_a_hole(address_of(all[index]) + kPage * (index + 1)));
        mm::vfree(all[index]);
    }
}

PERCIVAL_TEST(vmalloc, an_access_after_the_free_and_its_flush_faults_on_every_cpu)
{
    for (const u64 pages : {1u, 17u}) {
        const auto memory = mm::vmalloc(kPage * pages);
        ASSERT(memory.has_value());
        sign_pages(*memory, pages, 5);
        run_everywhere([&](CpuId) { EXPECT(are_signed(*memory, pages, 5)); }); // fills all TLBs
        mm::vfree(*memory);
        mm::flush_freed();
        run_everywhere([&](CpuId) {
            for (u64 page = 0; page < pages; ++page)
                EXPECT(is_a_hole(address_of(*memory) + kPage * page));
        });
    }
}

// Expects that the memory and the addresses of a freed allocation stay out of use until the flush and are
// reused after.
void expect_reuse_after_the_flush_only(Bytes size)
{
    settle_percpu(); // its worker would free and flush as well
    mm::flush_freed();
    const auto first = mm::vmalloc(size);
    ASSERT(first.has_value());
    const u64 flushes = mm::freed_statistics().flushes;
    const u64 areas = mm::vmalloc_region().areas_in_use();
    const Bytes used = mm::memory_statistics().used;
    mm::vfree(*first);
    if (mm::freed_statistics().flushes != flushes)
        SKIP("so small a machine with so many CPUs flushes at each free");
    EXPECT_EQ(mm::memory_statistics().used, used);
    EXPECT_EQ(mm::vmalloc_region().areas_in_use(), areas);
    const auto second = mm::vmalloc(size);
    ASSERT(second.has_value());
    EXPECT(*second != *first);
    const Bytes both = mm::memory_statistics().used;
    EXPECT(mm::flush_freed());
    EXPECT_EQ(mm::freed_statistics().flushes, flushes + 1);
    EXPECT_EQ(both - mm::memory_statistics().used, size);
    if (mm::is_spare_size(size)) // the newest spare comes first
        EXPECT(mm::vmalloc(size) == first);
    mm::vfree(*second);
    mm::flush_freed();
    if (!mm::is_spare_size(size)) // the lowest hole comes first
        EXPECT(mm::vmalloc(size) == first);
    mm::vfree(*first);
}

PERCIVAL_TEST(vmalloc, neither_pages_nor_addresses_are_used_again_before_the_flush)
{
    SKIP_WITH_GUARDED_OBJECTS();
    release_all_spares();
    expect_reuse_after_the_flush_only(kPage);
    expect_reuse_after_the_flush_only(kPage * 17);
}

PERCIVAL_TEST(vmalloc, freed_memory_is_flushed_before_much_has_collected)
{
    const u64 flushes = mm::freed_statistics().flushes;
    for (u32 turn = 0; turn < 200; ++turn)
        mm::vfree(*mm::vmalloc(kPage));
    EXPECT(mm::freed_statistics().flushes > flushes);
}

PERCIVAL_TEST(vmalloc, vzalloc_zeroes_reused_memory)
{
    for (const u64 pages : {u64{1}, u64{5}, std::min<u64>(max_pages(), 33)}) {
        {
            const Vmalloced dirty{kPage * pages};
            ASSERT(dirty);
            __builtin_memset(dirty.get(), 0xa5, (kPage * pages).count());
        }
        mm::flush_freed();
        const auto clean = mm::vzalloc(kPage * pages);
        ASSERT(clean.has_value());
        u64 any = 0;
        for (u64 word = 0; word < kWordsPerPage * pages; ++word)
            any |= static_cast<const volatile u64*>(*clean)[word];
        EXPECT_EQ(any, 0u);
        mm::vfree(*clean);
    }
}

} // namespace
} // namespace percival
