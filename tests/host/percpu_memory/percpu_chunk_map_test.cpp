// SPDX-License-Identifier: BSD-2-Clause
// Tests exact results of the map of a percpu chunk. percpu_map_random_test.cpp compares long random runs with
// a model.
#include "mm/percpu_memory/chunk_map.hpp"
#include "tests/host/support/percpu_map_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace percival::mm {
namespace {

constexpr Bytes kPage = 4_KiB;
constexpr Bytes kUnit = 32_KiB;

percpu::Request request(u64 size, u64 alignment = 4, Bytes page = kPage)
{
    return *percpu::Request::of(Bytes{size}, Bytes{alignment}, page);
}

struct Map {
    explicit Map(Bytes unit = kUnit) : Map{unit, Bytes{0}, unit} {}
    Map(Bytes unit, Bytes begin, Bytes end) : memory{unit}, map{memory.storage(), begin, end} {}

    Bytes allocate(u64 size, u64 alignment = 4)
    {
        const auto offset = map.allocate(request(size, alignment));
        EXPECT_TRUE(offset);
        return offset.value_or(Bytes{~u64{0}});
    }

    testing::PercpuMapMemory memory;
    percpu::ChunkMap map;
};

TEST(PercpuChunkMap, HandsOutTheFirstPlaceThatFits)
{
    Map m;
    EXPECT_EQ(m.allocate(8), Bytes{0});
    EXPECT_EQ(m.allocate(4), Bytes{8});
    EXPECT_EQ(m.allocate(16, 16), Bytes{16});
    EXPECT_EQ(m.allocate(4), Bytes{12});
    EXPECT_EQ(m.allocate(1), Bytes{32});
    EXPECT_EQ(m.allocate(6), Bytes{36});
    EXPECT_EQ(m.map.free_bytes(), kUnit - Bytes{44});
    EXPECT_EQ(m.map.largest_free(), kUnit - Bytes{44});
}

TEST(PercpuChunkMap, AnAllocationMayCrossBlocks)
{
    Map m;
    EXPECT_EQ(m.allocate(4000), Bytes{0});
    EXPECT_EQ(m.allocate(10'000), Bytes{4000});
    EXPECT_EQ(m.map.free(Bytes{4000}), Bytes{10'000});
    EXPECT_EQ(m.map.largest_free(), kUnit - Bytes{4000});
}

TEST(PercpuChunkMap, TheWholeUnitIsOneAllocation)
{
    Map m;
    EXPECT_EQ(m.allocate(kUnit.count(), kPage.count()), Bytes{0});
    EXPECT_EQ(m.map.free_bytes(), Bytes{0});
    EXPECT_FALSE(m.map.allocate(request(4)));
    EXPECT_EQ(m.map.free(Bytes{0}), kUnit);
    EXPECT_TRUE(m.map.is_unused());
}

TEST(PercpuChunkMap, APageAlignedPlaceIsFoundForEveryPageSize)
{
    for (const Bytes page : {4_KiB, 16_KiB, 64_KiB}) {
        Map m{page * 3};
        ASSERT_EQ(m.allocate(4), Bytes{0});
        EXPECT_EQ(m.map.allocate(request(4096, page.count(), page)), page);
        EXPECT_EQ(m.map.allocate(request(4, page.count(), page)), page * 2);
        EXPECT_FALSE(m.map.allocate(request(4, page.count(), page)));
    }
}

TEST(PercpuChunkMap, AWrongFreeFailsAndChangesNothing)
{
    Map m{kUnit, 4_KiB, 8_KiB};
    const Bytes object = m.allocate(12);
    const Bytes behind = m.allocate(8);
    const Bytes free = m.map.free_bytes();
    const auto error = [&m](Bytes offset) { return m.map.free(offset).error(); };
    EXPECT_EQ(error(object + Bytes{1}), percpu::FreeError::Misaligned);
    EXPECT_EQ(error(object + Bytes{4}), percpu::FreeError::NotTheStart);
    EXPECT_EQ(error(behind + Bytes{8}), percpu::FreeError::NotAllocated);
    EXPECT_EQ(error(Bytes{0}), percpu::FreeError::OutOfRange);
    EXPECT_EQ(error(4_KiB - Bytes{4}), percpu::FreeError::OutOfRange);
    EXPECT_EQ(error(8_KiB), percpu::FreeError::OutOfRange);
    EXPECT_EQ(error(kUnit), percpu::FreeError::OutOfRange);
    EXPECT_EQ(error(Bytes{~u64{0} & ~u64{3}}), percpu::FreeError::OutOfRange);
    EXPECT_EQ(m.map.free_bytes(), free);
    EXPECT_EQ(m.map.free(object), Bytes{12});
    EXPECT_EQ(error(object), percpu::FreeError::NotAllocated);
    EXPECT_EQ(m.map.free(behind), Bytes{8});
    EXPECT_TRUE(m.map.is_unused());
}

TEST(PercpuChunkMap, TheLastAllocationBeforeTheReservedEndHasItsSize)
{
    Map m{kUnit, Bytes{100}, Bytes{5000}};
    EXPECT_EQ(m.map.largest_free(), Bytes{4900});
    EXPECT_EQ(m.allocate(4900), Bytes{100});
    EXPECT_EQ(m.map.size_at(Bytes{100}), Bytes{4900});
    EXPECT_EQ(m.map.free(Bytes{100}), Bytes{4900});
}

// Frees pieces of different sizes, some of them across blocks, in each order.
TEST(PercpuChunkMap, PiecesFreedInEveryOrderBecomeOneRun)
{
    constexpr std::array<u64, 6> kSizes{3000, 1096, 4096, 8192, 4, 8};
    std::array<u32, kSizes.size()> order{0, 1, 2, 3, 4, 5};
    do {
        Map m;
        std::array<Bytes, kSizes.size()> at;
        std::ranges::transform(kSizes, at.begin(), [&m](u64 size) { return m.allocate(size); });
        ASSERT_EQ(m.allocate(kUnit.count() - 16'396), Bytes{16'396}); // the rest of the unit stays in use
        for (const u32 piece : order)
            ASSERT_EQ(m.map.free(at[piece]), Bytes{kSizes[piece]});
        ASSERT_EQ(m.map.largest_free(), Bytes{16'396});
        ASSERT_EQ(m.map.largest_free_offset(), Bytes{0});
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(PercpuChunkMap, AHoleFitsNoRequestThatIsLargerThanTheHole)
{
    Map m;
    std::vector<Bytes> all(kUnit.count() / 8);
    ASSERT_EQ(m.map.allocate_many(request(8), all), all.size());
    for (std::size_t index = 0; index < all.size(); index += 2)
        ASSERT_EQ(m.map.free(all[index]), Bytes{8});
    EXPECT_EQ(m.map.free_bytes().count(), kUnit.count() / 2);
    EXPECT_EQ(m.map.largest_free(), Bytes{8});
    EXPECT_FALSE(m.map.allocate(request(12)));
    EXPECT_EQ(m.map.free(all[4001 / 2 * 2 + 1]), Bytes{8});
    EXPECT_EQ(m.map.allocate(request(24)), all[4000]);
}

TEST(PercpuChunkMap, AllocateManyIsDenseAndStopsWhenTheUnitIsFull)
{
    Map m;
    ASSERT_EQ(m.allocate(20), Bytes{0});
    std::vector<Bytes> offsets(2000);
    EXPECT_EQ(m.map.allocate_many(request(24, 8), offsets), (kUnit.count() - 24) / 24);
    for (u64 index = 0; index < (kUnit.count() - 24) / 24; ++index)
        ASSERT_EQ(offsets[index], Bytes{24 + 24 * index});
    EXPECT_EQ(m.map.allocate_many(request(24, 8), offsets), 0u);
}

TEST(PercpuChunkMap, FreeManyStopsAtTheFirstWrongOffset)
{
    Map m;
    std::vector<Bytes> offsets(10);
    ASSERT_EQ(m.map.allocate_many(request(8), offsets), 10u);
    const std::array<Bytes, 4> list{offsets[3], offsets[4], offsets[3], offsets[5]};
    const auto freed = m.map.free_many(list);
    EXPECT_EQ(freed.count, 2u);
    EXPECT_EQ(freed.error, percpu::FreeError::NotAllocated);
    EXPECT_EQ(m.map.size_at(offsets[5]), Bytes{8});
    EXPECT_EQ(m.map.largest_free_offset(), Bytes{80});
    EXPECT_EQ(m.allocate(16), offsets[3]);
    EXPECT_FALSE(m.map.free_many({}).error);
}

TEST(PercpuChunkMap, AllocatesOnlyInTheGivenBlocks)
{
    Map m;
    const std::array<u64, 1> third_and_fourth{0b1100};
    EXPECT_EQ(m.map.allocate(request(8), third_and_fourth), 8_KiB);
    EXPECT_FALSE(m.map.allocate(request(8192), third_and_fourth));
    EXPECT_EQ(m.map.allocate(request(8184), third_and_fourth), 8_KiB + Bytes{8});
    EXPECT_FALSE(m.map.allocate(request(4), third_and_fourth));
    std::vector<Bytes> offsets(2000);
    const std::array<u64, 1> first{0b1};
    EXPECT_EQ(m.map.allocate_many(request(8), offsets, first), 512u);
}

TEST(PercpuChunkMap, IdleBlocksAreThoseWithoutAGrainInUse)
{
    Map m{kUnit, Bytes{4}, kUnit};
    EXPECT_EQ(m.map.idle_blocks()[0], 0b1111'1110u); // the first block has a grain that cannot be allocated
    const auto offset = m.map.allocate(request(8192, 4096));
    ASSERT_EQ(offset, 4_KiB);
    EXPECT_EQ(m.map.idle_blocks()[0], 0b1111'1000u);
    ASSERT_TRUE(m.map.free(*offset));
    EXPECT_EQ(m.map.idle_blocks()[0], 0b1111'1110u);
}

} // namespace
} // namespace percival::mm
