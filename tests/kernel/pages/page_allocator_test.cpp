// SPDX-License-Identifier: BSD-2-Clause
// What one CPU can see of the page allocator: pages that are its own, counts that add up, wrong frees
// refused.
#include "kernel/cpus/online.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/physical/page_poison.hpp"
#include "mm/physical/page_zones.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/page_hoard.hpp"

#include <array>

namespace percival {
namespace {

using mm::kOnePage;
using mm::PageOrder;

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
constexpr u64 kWordsPerPage = kPage.count() / sizeof(u64);

volatile u64* words_of(PhysAddr page)
{
    return mm::linear_pointer<volatile u64>(page);
}

// Of which there are two on every machine: 128 MiB with 64 KiB pages.
constexpr u32 kLargestTried = 8;

// More than a page cache holds.
constexpr std::size_t kMany = 300;
constinit std::array<PhysAddr, kMany> pages{};

PERCIVAL_TEST(page_allocator, pages_are_distinct_and_writable_from_end_to_end)
{
    for (PhysAddr& page : pages) {
        const auto allocated = mm::allocate_page();
        ASSERT(allocated.has_value());
        page = *allocated;
        EXPECT(page.is_aligned(kPage));
        words_of(page)[0] = page.raw();
        words_of(page)[kWordsPerPage - 1] = ~page.raw();
    }
    for (const PhysAddr page : pages) {
        EXPECT_EQ(words_of(page)[0], page.raw());
        EXPECT_EQ(words_of(page)[kWordsPerPage - 1], ~page.raw());
        mm::free_page(page);
    }
}

PERCIVAL_TEST(page_allocator, all_ram_is_free_used_or_reserved)
{
    const auto before = mm::memory_statistics();
    EXPECT_EQ(before.free + before.used + before.reserved, before.total);
    {
        PageHoard hoard;
        for (u32 order = 0; order <= kLargestTried; ++order)
            ASSERT(hoard.take(PageOrder{order}));
        const auto now = mm::memory_statistics();
        EXPECT_EQ(now.used, before.used + kPage * hoard.pages());
        EXPECT_EQ(now.free + now.used + now.reserved, now.total);
    }
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.used, before.used);
    EXPECT_EQ(after.free, before.free);
}

PERCIVAL_TEST(page_allocator, blocks_are_at_multiples_of_their_size_and_do_not_overlap)
{
    for (u32 order = 0; order <= kLargestTried; ++order) {
        const Bytes size = kPage * PageOrder{order}.pages();
        const auto a = mm::allocate_pages(PageOrder{order});
        const auto b = mm::allocate_pages(PageOrder{order});
        ASSERT(a && b);
        EXPECT(a->is_aligned(size) && b->is_aligned(size));
        EXPECT(!(PhysRange{*a, size}.overlaps({*b, size})));
        mm::free_pages(*a, PageOrder{order});
        mm::free_pages(*b, PageOrder{order});
    }
    EXPECT(!mm::allocate_pages(mm::kMaxPageOrder.up()));
}

PERCIVAL_TEST(page_allocator, zeroed_pages_are_zero_in_every_word_and_leave_their_neighbours_alone)
{
    const auto block = mm::allocate_pages(PageOrder{2});
    ASSERT(block.has_value());
    for (u64 word = 0; word < 4 * kWordsPerPage; ++word)
        words_of(*block)[word] = ~u64{0};
    mm::free_pages(*block, PageOrder{2});
    for (std::size_t index = 0; index < 8; ++index) {
        const auto page = mm::allocate_zeroed_page();
        ASSERT(page.has_value());
        pages[index] = *page;
        u64 any = 0;
        for (u64 word = 0; word < kWordsPerPage; ++word) {
            any |= words_of(*page)[word];
            words_of(*page)[word] = page->raw(); // shows if another page's zeroing reaches here
        }
        EXPECT_EQ(any, 0u);
    }
    for (std::size_t index = 0; index < 8; ++index) {
        EXPECT_EQ(words_of(pages[index])[0], pages[index].raw());
        EXPECT_EQ(words_of(pages[index])[kWordsPerPage - 1], pages[index].raw());
        mm::free_page(pages[index]);
    }
}

// Each is reported on the console and has no other effect.
void expect_refused(PhysAddr block, PageOrder order)
{
    const auto before = mm::memory_statistics();
    mm::free_pages(block, order);
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.bad_frees, before.bad_frees + 1);
    EXPECT_EQ(after.free, before.free);
    EXPECT_EQ(after.used, before.used);
}

PERCIVAL_TEST(page_allocator, a_second_free_is_refused_wherever_the_page_is_by_then)
{
    const auto page = mm::allocate_page();
    ASSERT(page.has_value());
    mm::free_page(*page);
    expect_refused(*page, kOnePage); // in the CPU's page cache
    mm::drain_page_cache();
    expect_refused(*page, kOnePage); // in its zone
    const auto block = mm::allocate_pages(PageOrder{3});
    ASSERT(block.has_value());
    mm::free_pages(*block, PageOrder{3});
    expect_refused(*block, PageOrder{3});
}

PERCIVAL_TEST(page_allocator, a_free_of_what_was_not_handed_out_so_is_refused)
{
    const auto block = mm::allocate_pages(PageOrder{3});
    ASSERT(block.has_value());
    expect_refused(*block, kOnePage);                 // the wrong order
    expect_refused(*block, PageOrder{4});             // and one that may be misaligned, too
    expect_refused(*block + kPage, kOnePage);         // inside
    expect_refused(*block + Bytes{8}, kOnePage);      // not aligned
    expect_refused(PhysAddr{0}, kOnePage);            // no RAM, or page 0
    expect_refused(PhysAddr{~u64{0}}, kOnePage);      // nothing at all
    expect_refused(mm::master_root(), kOnePage);      // in the image
    expect_refused(mm::cpu_root(kBootCpu), kOnePage); // from early memory
    mm::free_pages(*block, PageOrder{3});
}

// The largest order of which there is a block: on a small machine with large pages not the largest there can
// be.
PageOrder largest_block()
{
    for (PageOrder order = mm::kMaxPageOrder; order > kOnePage; order = order.down()) {
        if (const auto block = mm::allocate_pages(order)) {
            mm::free_pages(*block, order);
            return order;
        }
    }
    return kOnePage;
}

PERCIVAL_TEST(page_allocator, memory_can_be_used_up_and_comes_back_to_the_last_page)
{
    const auto before = mm::memory_statistics();
    if (mm::kPoisonFreedMemory && before.total > 2_GiB)
        SKIP("poisoning that much memory takes too long");
    // The hoard writes to each block it takes, and an emulator's host has to find memory for each, 2 MiB at a
    // time.
    if (before.total > 16_GiB)
        SKIP("an emulator's host may not have that much memory");
    drain_all_page_caches();
    const PageOrder largest = largest_block();
    {
        PageHoard hoard;
        hoard.take_everything();
        EXPECT_EQ(kPage * hoard.pages(), before.free);
        const auto now = mm::memory_statistics();
        EXPECT_EQ(now.free, Bytes{0});
        run_everywhere([](CpuId) {
            EXPECT(!mm::allocate_page());
            EXPECT(!mm::allocate_zeroed_page());
            EXPECT(!mm::allocate_pages(PageOrder{1}));
        });
        EXPECT_EQ(mm::memory_statistics().failures, now.failures + 3 * online_cpu_count());
    }
    drain_all_page_caches();
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.free, before.free);
    EXPECT_EQ(after.used, before.used);
    EXPECT_EQ(largest_block().number(), largest.number()); // all merged again
}

PERCIVAL_TEST(page_allocator, the_nth_allocation_fails_when_asked_for_and_no_other)
{
    for (u32 nth = 1; nth <= 3; ++nth) {
        mm::FailNth fail{nth};
        for (u32 count = 1; count <= 4; ++count) {
            const PageOrder order{count % 2}; // single pages and blocks count alike
            const auto block = mm::allocate_pages(order);
            EXPECT_EQ(block.has_value(), count != nth);
            EXPECT_EQ(fail.has_failed(), count >= nth);
            if (block)
                mm::free_pages(*block, order);
        }
    }
    const auto page = mm::allocate_page();
    ASSERT(page.has_value());
    mm::free_page(*page);
}

PERCIVAL_TEST(page_allocator, a_mapping_whose_table_cannot_be_allocated_is_refused_with_no_memory)
{
    if (mm::KernelGeometry::kLevels == 2)
        SKIP("all tables of the region are there from the start");
    const auto before = mm::memory_statistics();
    // Where no table of the last level is, not even one that somebody has used and left.
    VirtAddr unused = mm::KernelLayout::kVmalloc.end() - kPage;
    while (mm::master_table().walk(unused).level == mm::kLastLevel)
        unused = unused - mm::KernelGeometry::entry_size(mm::Level{2});
    mm::FailNth fail{1};
    const auto mapped = mm::master_table().map({unused, kPage}, mm::master_root(), mm::kReadOnlyData);
    EXPECT(!mapped && mapped.error() == mm::MapError::NoMemory);
    EXPECT(fail.has_failed());
    EXPECT_EQ(mm::memory_statistics().used, before.used);
}

PERCIVAL_TEST(page_allocator, a_write_after_free_is_reported_with_its_address)
{
    if (!mm::kPoisonFreedMemory)
        SKIP("freed memory is poisoned in debug builds");
    const u64 before = mm::memory_statistics().late_writes;
    const auto page = mm::allocate_page();
    ASSERT(page.has_value());
    mm::free_page(*page);
    words_of(*page)[17] = 1;
    const auto again = mm::allocate_page();
    ASSERT(again == page);
    EXPECT_EQ(mm::memory_statistics().late_writes, before + 1);
    mm::free_page(*again);

    // Through the zone, as part of a block.
    const auto block = mm::allocate_pages(PageOrder{2});
    ASSERT(block.has_value());
    mm::free_pages(*block, PageOrder{2});
    words_of(*block)[3 * kWordsPerPage] = 1;
    const auto block_again = mm::allocate_pages(PageOrder{2});
    ASSERT(block_again == block);
    EXPECT_EQ(mm::memory_statistics().late_writes, before + 2);
    mm::free_pages(*block_again, PageOrder{2});
}

} // namespace
} // namespace percival
