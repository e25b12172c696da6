// SPDX-License-Identifier: BSD-2-Clause
// Tests what one CPU can see of the page allocator: pages are distinct, counts are exact, and wrong frees are
// refused.
#include "kernel/cpus/online.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/physical/page_poison.hpp"
#include "mm/physical/page_zones.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/page_hoard.hpp"

#include <array>

namespace percival {
namespace {

using mm::kOnePage;
using mm::PageOrder;

volatile u64* words_of(PhysAddr page)
{
    return mm::linear_pointer<volatile u64>(page);
}

// The largest order of which every machine has two free blocks. The smallest machine with 64 KiB pages has
// 128 MiB.
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

// Frees a block wrongly. The free is reported on the console and has no other effect.
void expect_refused(PhysAddr block, PageOrder order)
{
    const auto before = mm::memory_statistics();
    mm::free_pages(block, order);
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.bad_frees, before.bad_frees + 1);
    EXPECT_EQ(after.free, before.free);
    EXPECT_EQ(after.used, before.used);
}

PERCIVAL_TEST(page_allocator, a_second_free_is_refused_in_the_page_cache_and_in_the_zone)
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

PERCIVAL_TEST(page_allocator, a_free_with_a_wrong_address_or_order_is_refused)
{
    const auto block = mm::allocate_pages(PageOrder{3});
    ASSERT(block.has_value());
    expect_refused(*block, kOnePage);                 // the wrong order
    expect_refused(*block, PageOrder{4});             // also wrong, and perhaps misaligned
    expect_refused(*block + kPage, kOnePage);         // inside the block
    expect_refused(*block + Bytes{8}, kOnePage);      // not aligned
    expect_refused(PhysAddr{0}, kOnePage);            // not RAM, or page 0
    expect_refused(PhysAddr{~u64{0}}, kOnePage);      // outside all memory
    expect_refused(mm::master_root(), kOnePage);      // in the image
    expect_refused(mm::cpu_root(kBootCpu), kOnePage); // from early memory
    mm::free_pages(*block, PageOrder{3});
}

// Returns the largest order of which a block is free. On a small machine with large pages it is smaller than
// kMaxPageOrder.
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

PERCIVAL_TEST(page_allocator, all_memory_can_be_allocated_and_every_page_comes_back)
{
    const auto before = mm::memory_statistics();
    if (mm::kPoisonFreedMemory && before.total > 2_GiB)
        SKIP("poisoning that much memory takes too long");
    // The hoard writes to each block that it takes, and an emulator's host must find memory for each, 2 MiB
    // at a time.
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
    EXPECT_EQ(largest_block().number(), largest.number()); // all blocks have merged again
}

PERCIVAL_TEST(page_allocator, exactly_the_nth_allocation_fails_when_requested)
{
    for (u32 nth = 1; nth <= 3; ++nth) {
        mm::FailNth fail{nth};
        for (u32 count = 1; count <= 4; ++count) {
            const PageOrder order{count % 2}; // single pages and blocks count equally
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

PERCIVAL_TEST(page_allocator, a_mapping_fails_with_no_memory_if_its_table_cannot_be_allocated)
{
    if (mm::KernelGeometry::kLevels == 2)
        SKIP("all tables of the region are there from the start");
    const auto before = mm::memory_statistics();
    // Find an address without a last-level table, not even one that other code has used and left.
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

    // The same through the zone, as part of a block.
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
