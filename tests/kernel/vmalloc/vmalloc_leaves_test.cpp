// SPDX-License-Identifier: BSD-2-Clause
// Large allocations are mapped by large leaves, because their addresses are aligned like their memory.
#include "tests/kernel/support/vm_support.hpp"

namespace percival {
namespace {

constexpr Bytes kRunSize = kPage * kRun;
constexpr Level kBlockLevel{2};
constexpr Bytes kBlock = KernelGeometry::entry_size(kBlockLevel);
constexpr Bytes kLargestMemory = kPage * mm::kMaxPageOrder.pages();

// Returns true if the allocation's memory is one aligned block, which it is unless free memory is fragmented.
bool is_in_one_block(const Vmalloced& memory, Bytes size)
{
    const PhysAddr first = arch::translate(memory.address()).address;
    for (u64 at = 0; at < size.count(); at += kPage.count()) {
        if (arch::translate(memory.address() + Bytes{at}).address != first + Bytes{at})
            return false;
    }
    return first.is_aligned(size);
}

PERCIVAL_TEST(vmalloc_leaves, power_of_two_sizes_are_aligned_for_and_mapped_by_runs)
{
    const Vmalloced memory{kRunSize};
    ASSERT(memory);
    EXPECT(memory.address().is_aligned(kRunSize));
    if (!is_in_one_block(memory, kRunSize))
        SKIP("memory is in pieces");
    for (u64 at = 0; at < kRunSize.count(); at += kPage.count())
        EXPECT(mm::master_table().walk(memory.address() + Bytes{at}).is_in_run());
    sign_pages(memory.get(), kRunSize.count() / kPage.count(), 3);
    EXPECT(are_signed(memory.get(), kRunSize.count() / kPage.count(), 3));
}

PERCIVAL_TEST(vmalloc_leaves, sizes_too_small_for_a_run_are_mapped_by_pages)
{
    const Vmalloced memory{kRunSize - kPage};
    ASSERT(memory);
    EXPECT(!mm::master_table().walk(memory.address()).is_in_run());
}

// Reserves areas one behind the other until one has no last-level table, so that a block can be mapped there.
// Tables are never freed: where one stands, memory is mapped by pages ever after.
class UntouchedAddresses : Immovable {
public:
    explicit UntouchedAddresses(Bytes size)
    {
        while (count_ < kMax) {
            const auto area = mm::vmalloc_region().allocate(size, 1_GiB);
            if (!EXPECT(area.has_value()))
                return;
            areas_[count_++] = *area;
            if (mm::master_table().walk((*area)->range.base).level < mm::kLastLevel)
                break;
        }
    }
    ~UntouchedAddresses()
    {
        while (count_ > 0)
            mm::vmalloc_region().free(*areas_[--count_]);
    }
    // Frees the last area, so that the next allocation gets its addresses.
    VirtAddr give_up()
    {
        const VirtAddr base = areas_[--count_]->range.base;
        mm::vmalloc_region().free(*areas_[count_]);
        return base;
    }

private:
    static constexpr u32 kMax = 64;
    mm::VmArea* areas_[kMax];
    u32 count_{0};
};

PERCIVAL_TEST(vmalloc_leaves, large_sizes_are_mapped_by_block_descriptors)
{
    if (kBlock > kLargestMemory)
        SKIP("no memory is allocated in blocks so large");
    UntouchedAddresses untouched{kBlock};
    const VirtAddr base = untouched.give_up();
    const VmUse before = vm_use();
    {
        const Vmalloced memory{kBlock, 1_GiB};
        ASSERT(memory);
        EXPECT_EQ(memory.address(), base);
        if (!is_in_one_block(memory, kBlock))
            SKIP("memory is in pieces");
        EXPECT_EQ(mm::master_table().walk(base).level.number(), kBlockLevel.number());
        EXPECT(is_a_hole(base + kBlock));
        // One free unmaps all of it.
        sign_pages(memory.get(), kBlock.count() / kPage.count(), 4);
        EXPECT(are_signed(memory.get(), kBlock.count() / kPage.count(), 4));
    }
    mm::flush_freed();
    EXPECT(is_a_hole(base) && is_a_hole(base + (kBlock - Bytes{1})));
    EXPECT(vm_use().memory - before.memory <= kPage * 2); // at most a table for the block
}

// A size that is no power of two consists of blocks of several sizes, one behind the other.
PERCIVAL_TEST(vmalloc_leaves, odd_sizes_are_composed_of_blocks_that_fit)
{
    const Bytes size = kPage * (kRunSize.count() / kPage.count() * 3 + 5);
    const u64 pages = size.count() / kPage.count();
    const Vmalloced memory{size};
    ASSERT(memory);
    sign_pages(memory.get(), pages, 9);
    EXPECT(are_signed(memory.get(), pages, 9));
    // No two pages are the same.
    for (u64 page = 1; page < pages; ++page)
        EXPECT(arch::translate(memory.address() + kPage * page).address !=
               arch::translate(memory.address() + kPage * (page - 1)).address);
    EXPECT(is_a_hole(memory.address() + size));
}

} // namespace
} // namespace percival
