// SPDX-License-Identifier: BSD-2-Clause
// Tests the buddy allocator, by examples and against a map that records the owner of each page.
#include "mm/physical/buddy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace percival::mm {
namespace {

constexpr u32 kBlock = kMaxPageOrder.pages();

struct Pages {
    explicit Pages(u32 count) : descriptors(count) { buddy.set_descriptors(descriptors.data()); }

    std::vector<PageDescriptor> descriptors;
    Buddy buddy;
};

void free_block(Pages& pages, u32 index, PageOrder order)
{
    pages.descriptors[index].store(PageState{PageUse::None});
    pages.buddy.free(index, order);
}

TEST(Buddy, has_no_memory_until_some_is_freed_into_it)
{
    Pages pages{kBlock};
    EXPECT_FALSE(pages.buddy.allocate(kOnePage));
    EXPECT_EQ(pages.buddy.free_pages(), 0u);
}

TEST(Buddy, splits_down_to_a_page_and_merges_up_again)
{
    Pages pages{kBlock};
    pages.buddy.free_run(0, kBlock);
    const auto page = pages.buddy.allocate(kOnePage);
    ASSERT_TRUE(page);
    EXPECT_EQ(pages.buddy.free_pages(), kBlock - 1);
    EXPECT_FALSE(pages.buddy.allocate(kMaxPageOrder));
    free_block(pages, *page, kOnePage);
    EXPECT_EQ(pages.buddy.allocate(kMaxPageOrder), 0u);
    EXPECT_EQ(pages.buddy.free_pages(), 0u);
}

TEST(Buddy, blocks_are_at_multiples_of_their_size)
{
    Pages pages{4 * kBlock};
    pages.buddy.free_run(3, 4 * kBlock - 3);
    for (unsigned order = kMaxPageOrder.number(); order-- > 0;) {
        const auto block = pages.buddy.allocate(PageOrder{order});
        ASSERT_TRUE(block);
        EXPECT_EQ(*block % (1u << order), 0u);
        EXPECT_TRUE(pages.descriptors[*block].load().is(PageUse::Allocated, PageOrder{order}));
    }
}

TEST(Buddy, does_not_merge_across_the_largest_order)
{
    Pages pages{2 * kBlock};
    pages.buddy.free_run(0, 2 * kBlock);
    EXPECT_TRUE(pages.buddy.allocate(kMaxPageOrder));
    EXPECT_TRUE(pages.buddy.allocate(kMaxPageOrder));
    EXPECT_FALSE(pages.buddy.allocate(kOnePage));
}

TEST(Buddy, does_not_merge_with_a_buddy_that_is_only_partly_free)
{
    Pages pages{kBlock};
    pages.buddy.free_run(0, 8);
    const auto block = pages.buddy.allocate(PageOrder{2});
    const auto half = pages.buddy.allocate(PageOrder{1});
    ASSERT_TRUE(block && half);
    free_block(pages, *block, PageOrder{2});
    EXPECT_FALSE(pages.buddy.allocate(PageOrder{3}));
    free_block(pages, *half, PageOrder{1});
    EXPECT_TRUE(pages.buddy.allocate(PageOrder{3}));
}

TEST(Buddy, a_page_keeps_its_poison_mark_through_splits_and_merges)
{
    Pages pages{kBlock};
    pages.descriptors[5].store(PageState{PageUse::None}.with_poison(true));
    pages.buddy.free_run(0, kBlock);
    for (u32 index = 0; index < kBlock; ++index) {
        const auto page = pages.buddy.allocate(kOnePage);
        ASSERT_TRUE(page);
        EXPECT_EQ(pages.descriptors[*page].load().is_poisoned(), *page == 5);
    }
}

// Records the owner of each page: 0 for a free page, otherwise the number of its block.
class Model {
public:
    explicit Model(u32 pages) : owner_(pages, kForeign) {}

    void make_free(u32 index, u32 pages) { set(index, pages, 0); }
    void take(u32 index, PageOrder order)
    {
        for (u32 page = index; page < index + order.pages(); ++page)
            ASSERT_EQ(owner_.at(page), 0u) << "page " << page << " is handed out twice or foreign";
        set(index, order.pages(), ++last_);
        blocks_[last_] = {index, order};
    }
    std::pair<u32, PageOrder> forget(std::mt19937_64& random)
    {
        auto block = std::next(blocks_.begin(), static_cast<long>(random() % blocks_.size()));
        const auto [index, order] = block->second;
        blocks_.erase(block);
        set(index, order.pages(), 0);
        return {index, order};
    }
    bool has_blocks() const { return !blocks_.empty(); }
    u64 free_pages() const { return static_cast<u64>(std::count(owner_.begin(), owner_.end(), 0u)); }
    // Returns whether the allocator must have a free block of `order`: since neighbours are merged, exactly
    // if there is an aligned run of free pages.
    bool has_free(PageOrder order) const
    {
        for (u32 at = 0; at < owner_.size(); at += order.pages()) {
            const auto first = owner_.begin() + at;
            if (std::all_of(first, first + order.pages(), [](u32 owner) { return owner == 0; }))
                return true;
        }
        return false;
    }

private:
    static constexpr u32 kForeign = ~u32{0};

    void set(u32 index, u32 pages, u32 owner) { std::fill_n(owner_.begin() + index, pages, owner); }

    std::vector<u32> owner_;
    std::map<u32, std::pair<u32, PageOrder>> blocks_;
    u32 last_{0};
};

TEST(Buddy, random_operations_agree_with_a_page_map)
{
    for (u64 seed = 0; seed < 12; ++seed) {
        std::mt19937_64 random{seed};
        const u32 count = 3 * kBlock;
        Pages pages{count};
        Model model{count};
        for (u32 at = static_cast<u32>(random() % 50); at < count;) {
            const u32 run = std::min(count - at, 1 + static_cast<u32>(random() % 900));
            pages.buddy.free_run(at, run);
            model.make_free(at, run);
            at += run + 1 + static_cast<u32>(random() % 20);
        }
        for (int step = 0; step < 4000; ++step) {
            // Phases in which the allocator fills up and empties in turn.
            const bool fill = (step / 500) % 2 == 0;
            if (random() % 8 < (fill ? 6u : 2u)) {
                const PageOrder order{
                    static_cast<unsigned>(random() % 4 == 0 ? random() % 11 : random() % 3)};
                const bool possible = model.has_free(order);
                const auto block = pages.buddy.allocate(order);
                ASSERT_EQ(block.has_value(), possible);
                if (block)
                    model.take(*block, order);
            } else if (model.has_blocks()) {
                const auto [index, order] = model.forget(random);
                free_block(pages, index, order);
            }
            ASSERT_EQ(pages.buddy.free_pages(), model.free_pages());
            if (HasFatalFailure())
                return;
        }
    }
}

} // namespace
} // namespace percival::mm
