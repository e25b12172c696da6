// SPDX-License-Identifier: BSD-2-Clause
// Tests Population, which knows the pages of a percpu chunk that have memory, for each page size.
#include "mm/percpu_memory/population.hpp"
#include "tests/host/support/percpu_map_model.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace percival::mm {
namespace {

constexpr u32 kPages = 9;

class PercpuPopulationTest : public ::testing::TestWithParam<u64> {
protected:
    percpu::Pages pages_at(Bytes offset, u64 size) const { return population.pages_of(offset, Bytes{size}); }
    percpu::Request request(u64 size, u64 alignment) const
    {
        return *percpu::Request::of(Bytes{size}, Bytes{alignment}, page);
    }

    const Bytes page{GetParam()};
    testing::PercpuMapMemory memory{page * kPages};
    percpu::ChunkMap map{memory.storage(), Bytes{0}, page* kPages};
    std::vector<u64> words = std::vector<u64>(percpu::ChunkMap::block_words(map.block_count()), 0x77);
    percpu::Population population{words, page* kPages, page};
};

INSTANTIATE_TEST_SUITE_P(PageSizes, PercpuPopulationTest, ::testing::Values(4096, 16384, 65536));

TEST_P(PercpuPopulationTest, StartsWithoutMemory)
{
    EXPECT_EQ(population.page_count(), kPages);
    EXPECT_EQ(population.populated_pages(), 0u);
    EXPECT_EQ(population.next_missing({0, kPages}), population.all_pages());
    EXPECT_EQ(population.empty_pages(map), 0u);
}

TEST_P(PercpuPopulationTest, KnowsThePagesOfAnAllocation)
{
    EXPECT_EQ(pages_at(Bytes{0}, 1), (percpu::Pages{0, 1}));
    EXPECT_EQ(pages_at(Bytes{0}, page.count()), (percpu::Pages{0, 1}));
    EXPECT_EQ(pages_at(page - Bytes{4}, 8), (percpu::Pages{0, 2}));
    EXPECT_EQ(pages_at(page * 3, page.count() * 2), (percpu::Pages{3, 5}));
}

TEST_P(PercpuPopulationTest, FindsTheGapsOneAfterTheOther)
{
    population.populate({2, 4});
    population.populate({6, 7});
    EXPECT_EQ(population.populated_pages(), 3u);
    EXPECT_EQ(population.next_missing({0, kPages}), (percpu::Pages{0, 2}));
    EXPECT_EQ(population.next_missing({2, kPages}), (percpu::Pages{4, 6}));
    EXPECT_EQ(population.next_missing({6, kPages}), (percpu::Pages{7, kPages}));
    EXPECT_EQ(population.next_missing({3, 5}), (percpu::Pages{4, 5}));
    EXPECT_EQ(population.next_missing({2, 4}).count(), 0u);
    population.depopulate({3, 4});
    EXPECT_EQ(population.next_missing({2, kPages}), (percpu::Pages{3, 6}));
}

TEST_P(PercpuPopulationTest, AnAtomicAllocationLiesInPopulatedPages)
{
    population.populate({2, 4});
    EXPECT_EQ(map.allocate(request(64, 4), population.populated_blocks()), page * 2);
    EXPECT_EQ(map.allocate(request(4, page.count()), population.populated_blocks()), page * 3);
    EXPECT_FALSE(map.allocate(request(4, page.count()), population.populated_blocks()));
    EXPECT_EQ(map.allocate(request(4, 4)), Bytes{0});
}

TEST_P(PercpuPopulationTest, APageIsEmptyIfItHasMemoryAndNoAllocation)
{
    population.populate({1, 6});
    EXPECT_EQ(population.empty_pages(map), 5u);
    ASSERT_EQ(map.allocate(request(4, page.count())), Bytes{0});
    EXPECT_EQ(population.empty_pages(map), 5u);
    std::vector<Bytes> fill(page.count() / 4096);
    ASSERT_EQ(map.allocate_many(request(4096, 4), fill), fill.size());
    ASSERT_EQ(pages_at(fill.back(), 4096).end, 2u); // the last allocation reaches into page 1
    EXPECT_EQ(population.empty_pages(map), 4u);
    ASSERT_TRUE(map.free(fill.back()));
    EXPECT_EQ(population.empty_pages(map), 5u);
}

TEST_P(PercpuPopulationTest, EmptyPagesAreFoundFromTheEnd)
{
    population.populate({0, 3});
    population.populate({5, kPages});
    ASSERT_EQ(map.allocate(request(4, 4)), Bytes{0});
    EXPECT_EQ(population.last_empty(map, kPages), (percpu::Pages{5, kPages}));
    EXPECT_EQ(population.last_empty(map, 8), (percpu::Pages{5, 8}));
    EXPECT_EQ(population.last_empty(map, 5), (percpu::Pages{1, 3}));
    EXPECT_EQ(population.last_empty(map, 1).count(), 0u);
}

TEST_P(PercpuPopulationTest, RandomPopulationAgreesWithAModelOfOneFlagPerPage)
{
    std::mt19937_64 random{GetParam()};
    std::vector<bool> has_memory(kPages, false);
    std::vector<Bytes> live;
    std::vector<u32> users(kPages, 0); // the number of allocations that reach into the page
    const auto count_user = [&](Bytes offset, int change) {
        const percpu::Pages touched = population.pages_of(offset, *map.size_at(offset));
        for (u32 at = touched.begin; at < touched.end; ++at)
            users[at] += static_cast<u32>(change);
    };
    for (int step = 0; step < 20'000; ++step) {
        const auto begin = static_cast<u32>(random() % kPages);
        const u32 end = begin + static_cast<u32>(random() % (kPages - begin + 1));
        switch (random() % 4) {
        case 0:
            population.populate({begin, end});
            std::fill(has_memory.begin() + begin, has_memory.begin() + end, true);
            break;
        case 1:
            population.depopulate({begin, end});
            std::fill(has_memory.begin() + begin, has_memory.begin() + end, false);
            break;
        case 2: {
            const bool atomic = random() % 2 == 0;
            const auto offset = map.allocate(request(1 + random() % 9000, 4),
                                             atomic ? population.populated_blocks() : std::span<const u64>{});
            if (!offset)
                break;
            live.push_back(*offset);
            count_user(*offset, 1);
            if (atomic) {
                ASSERT_EQ(
                    population.next_missing(population.pages_of(*offset, *map.size_at(*offset))).count(), 0u);
            }
            break;
        }
        default:
            if (live.empty())
                break;
            std::swap(live[random() % live.size()], live.back());
            count_user(live.back(), -1);
            ASSERT_TRUE(map.free(live.back()));
            live.pop_back();
            break;
        }
        u32 empty = 0;
        u32 last_end = 0;
        for (u32 at = 0; at < kPages; ++at) {
            ASSERT_EQ(population.is_populated(at), has_memory[at]);
            if (has_memory[at] && users[at] == 0) {
                ++empty;
                last_end = at + 1;
            }
        }
        ASSERT_EQ(population.empty_pages(map), empty);
        const percpu::Pages last = population.last_empty(map, kPages);
        ASSERT_EQ(last.end, last_end);
        ASSERT_EQ(last.count() == 0, empty == 0);
        for (u32 at = last.begin; at < last.end; ++at)
            ASSERT_TRUE(has_memory[at] && users[at] == 0);
        ASSERT_EQ(population.populated_pages(), std::count(has_memory.begin(), has_memory.end(), true));
    }
}

} // namespace
} // namespace percival::mm
