// SPDX-License-Identifier: BSD-2-Clause
// Tests that scattered pages are mapped one after another, and that ranges are cleared without a flush:
// through a walk, and through known slots.
#include "tests/host/support/engine_test.hpp"

#include <array>
#include <optional>
#include <span>
#include <vector>

namespace percival::testing {
namespace {

// Within the first kLinearOutput, and aligned to every size of leaf.
constexpr PhysAddr kPages{0x4000'0000'0000};

template <class G>
class MapPagesTest : public EngineTest<G> {
protected:
    using EngineTest<G>::kAt;
    using EngineTest<G>::kBlock;
    using EngineTest<G>::kPage;
    using EngineTest<G>::bench;
    using Slots = mm::LeafSlots<G, SimulatedPte, SimulatedTables<G>>;

    MapPagesTest() : EngineTest<G>{Tables::Shared} {}

    // Returns pages in no order, of which no two are neighbours.
    static std::vector<PhysAddr> scattered(u64 count)
    {
        std::vector<PhysAddr> pages;
        for (u64 n = 0; n < count; ++n)
            pages.push_back(kPages + kPage * (n * 37 % 64 * 2 + n / 64 * 128));
        return pages;
    }
    static std::vector<PhysAddr> neighbours(PhysAddr first, u64 count)
    {
        std::vector<PhysAddr> pages;
        for (u64 n = 0; n < count; ++n)
            pages.push_back(first + kPage * n);
        return pages;
    }

    auto error_of(VirtAddr at, std::span<const PhysAddr> pages)
    {
        const auto mapped = bench.engine.map_pages(at, pages, mm::kData);
        return mapped ? std::nullopt : std::optional{mapped.error()};
    }
    void expect_pages(VirtAddr at, std::span<const PhysAddr> pages, Attributes attributes = mm::kData)
    {
        for (std::size_t n = 0; n < pages.size();
             n += n < 3 || n + 4 > pages.size() ? 1 : pages.size() / 7 + 1)
            bench.expect(at + kPage * n + Bytes{8}, pages[n] + Bytes{8}, attributes);
        bench.expect(at - Bytes{1}, std::nullopt);
        bench.expect(at + kPage * pages.size(), std::nullopt);
    }
    // Pages of which the last one is the last of its table, and their slots, in which nothing is mapped.
    struct LastOfTable {
        VirtRange range;
        u64 index; // of the first slot
        SimulatedPte* slots;
    };
    LastOfTable last_of_table(u64 count)
    {
        const VirtRange range{kAt + (kBlock - kPage * count), kPage * count};
        const auto slots = bench.engine.slots_for(range);
        EXPECT_TRUE(slots.has_value() && *slots != nullptr);
        bench.expect(range.base, std::nullopt);
        return {range, G::index(mm::kLastLevel, range.base), slots.value()};
    }
    bool is_in_run(VirtAddr at) { return bench.engine.walk(at).is_in_run(); }
    // Clears and flushes `range`; afterwards its memory and addresses may be reused.
    void clear(VirtRange range)
    {
        ASSERT_TRUE(bench.engine.is_mapped_by_whole_leaves(range));
        bench.engine.clear(range);
        flush(range);
    }
    void flush(VirtRange range)
    {
        typename Bench<G>::Batch batch{bench.env};
        batch.add_leaves(range, kPage);
    }
};
TYPED_TEST_SUITE(MapPagesTest, AllGeometries);

TYPED_TEST(MapPagesTest, ScatteredPagesAreMappedInTheirOrder)
{
    USE_ENGINE_TEST;
    const auto pages = this->scattered(50);
    EXPECT_EQ(this->error_of(kAt + kPage, pages), std::nullopt);
    this->expect_pages(kAt + kPage, pages);
    EXPECT_FALSE(this->is_in_run(kAt + kPage * kRun));
}

TYPED_TEST(MapPagesTest, EveryRunAmongThePagesGetsTheHint)
{
    USE_ENGINE_TEST;
    // One page, and then one run's length each: a run, a run with two pages swapped, a misaligned run, a run.
    std::vector<PhysAddr> pages = this->scattered(1);
    const auto append = [&pages](const std::vector<PhysAddr>& more) {
        pages.insert(pages.end(), more.begin(), more.end());
    };
    const PhysAddr memory = kPages + kPage * kRun * 8;
    append(this->neighbours(memory, kRun));
    append(this->neighbours(memory + kPage * kRun, kRun));
    std::swap(pages[kRun + 2], pages[kRun + 3]); // the first and the last page are still right
    append(this->neighbours(memory + kPage * (kRun * 2 + 1), kRun));
    append(this->neighbours(memory + kPage * kRun * 4, kRun));
    const VirtAddr at = kAt + kPage * (kRun - 1);
    EXPECT_EQ(this->error_of(at, pages), std::nullopt);
    this->expect_pages(at, pages);
    const std::array wanted{true, false, false, true};
    for (u64 run = 0; run < wanted.size(); ++run) {
        EXPECT_EQ(this->is_in_run(kAt + kPage * kRun * (run + 1)), wanted[run]) << run;
        EXPECT_EQ(this->is_in_run(kAt + kPage * (kRun * (run + 2) - 1)), wanted[run]) << run;
    }
    EXPECT_FALSE(this->is_in_run(at));
}

TYPED_TEST(MapPagesTest, AnIncompleteRunGetsNoHint)
{
    USE_ENGINE_TEST;
    const auto pages = this->neighbours(kPages, kRun - 1);
    EXPECT_EQ(this->error_of(kAt, pages), std::nullopt);
    EXPECT_FALSE(this->is_in_run(kAt));
    this->expect_pages(kAt, pages);
}

TYPED_TEST(MapPagesTest, PagesContinueInTheNextTable)
{
    USE_ENGINE_TEST;
    const auto pages = this->scattered(20);
    const VirtAddr at = kAt + (kBlock - kPage * 7);
    EXPECT_EQ(this->error_of(at, pages), std::nullopt);
    this->expect_pages(at, pages);
}

TYPED_TEST(MapPagesTest, MisalignedPagesAndPagesTooFarUpAreRefused)
{
    USE_ENGINE_TEST;
    auto pages = this->scattered(5);
    EXPECT_EQ(this->error_of(kAt + Bytes{8}, pages), MapError::Misaligned);
    pages[3] += Bytes{512};
    EXPECT_EQ(this->error_of(kAt, pages), MapError::Misaligned);
    pages[3] = PhysAddr{mm::kLinearOutput.count()};
    EXPECT_EQ(this->error_of(kAt, pages), MapError::Misaligned);
    this->expect_pages(kAt, {});
}

TYPED_TEST(MapPagesTest, NoPageIsMappedIfOneAddressIsMappedAlready)
{
    USE_ENGINE_TEST;
    const auto pages = this->scattered(20);
    const VirtAddr start = kAt + (kBlock - kPage * 7);
    // The first page in the first table, another page there, one in the second table, and the last page.
    for (const u64 taken : {0u, 3u, 12u, 19u}) {
        const VirtRange in_the_way{start + kPage * taken, kPage};
        EXPECT_TRUE(bench.engine.map(in_the_way, kPages + kBlock, mm::kText));
        EXPECT_EQ(this->error_of(start, pages), MapError::AlreadyMapped);
        bench.expect_clean();
        for (u64 n = 0; n < pages.size(); ++n)
            bench.expect(start + kPage * n, n == taken ? std::optional{kPages + kBlock} : std::nullopt,
                         mm::kText);
        this->clear(in_the_way);
    }
    // A block is in the way.
    EXPECT_TRUE(bench.engine.map({kAt + kBlock * 2, kBlock}, kPages, mm::kText));
    EXPECT_EQ(this->error_of(kAt + (kBlock * 2 - kPage), pages), MapError::AlreadyMapped);
    bench.expect(kAt + (kBlock * 2 - kPage), std::nullopt);
}

TYPED_TEST(MapPagesTest, NoPageIsMappedIfTablesRunOut)
{
    USE_ENGINE_TEST;
    const auto pages = this->scattered(20);
    const VirtAddr start = kAt + (kBlock - kPage * 7);
    for (u64 tables = 0; tables < TypeParam::kLevels; ++tables) {
        Bench<TypeParam> fresh{Tables::Shared};
        fresh.env.fail_after(tables);
        const auto mapped = fresh.engine.map_pages(start, pages, mm::kData);
        ASSERT_FALSE(mapped.has_value());
        EXPECT_EQ(mapped.error(), MapError::NoMemory);
        fresh.expect_clean();
        fresh.expect(start, std::nullopt);
        fresh.expect(start + kPage * 7, std::nullopt);
    }
}

TYPED_TEST(MapPagesTest, MappingNoPagesMapsNothing)
{
    USE_ENGINE_TEST;
    const u64 tables = bench.machine.pages_in_use();
    EXPECT_EQ(this->error_of(kAt, {}), std::nullopt);
    EXPECT_EQ(bench.machine.pages_in_use(), tables);
}

TYPED_TEST(MapPagesTest, ClearedMemoryMayBeReusedAfterTheFlushAndNotBefore)
{
    USE_ENGINE_TEST;
    const auto pages = this->scattered(20);
    const VirtRange range{kAt, kPage * 20};
    EXPECT_EQ(this->error_of(kAt, pages), std::nullopt);
    bench.expect(kAt, pages[0], mm::kData);
    bench.engine.clear(range);
    bench.machine.reuse_memory({pages[7], kPage});
    EXPECT_EQ(bench.machine.take_violations().size(), 1u);
    this->flush(range);
    for (const PhysAddr page : pages)
        bench.machine.reuse_memory({page, kPage});
    this->expect_pages(kAt, {});
    EXPECT_EQ(this->error_of(kAt, this->scattered(20)), std::nullopt); // the addresses may be reused too
}

TYPED_TEST(MapPagesTest, ClearSkipsHolesAndStopsAtTheEnd)
{
    USE_ENGINE_TEST;
    const auto pages = this->scattered(3);
    const VirtAddr second = kAt + kBlock * 2; // there is no table in between
    EXPECT_EQ(this->error_of(kAt + kPage, pages), std::nullopt);
    EXPECT_EQ(this->error_of(second, pages), std::nullopt);
    const VirtRange range{kAt, second + kPage * 2 - kAt};
    bench.engine.clear(range);
    this->flush(range);
    bench.expect(kAt + kPage, std::nullopt);
    bench.expect(kAt + kPage * 3, std::nullopt);
    bench.expect(second + kPage, std::nullopt);
    bench.expect(second + kPage * 2, pages[2], mm::kData);
}

TYPED_TEST(MapPagesTest, WholeLeavesAreDistinguishedFromPartsAndHoles)
{
    USE_ENGINE_TEST;
    const auto is_whole = [&bench](VirtAddr base, Bytes size) {
        return bench.engine.is_mapped_by_whole_leaves({base, size});
    };
    // A page, a run, a page; a hole; a block.
    std::vector<PhysAddr> pages = this->neighbours(kPages + kPage * (kRun - 1), kRun + 2);
    const VirtAddr run = kAt + kPage * kRun;
    EXPECT_EQ(this->error_of(run - kPage, pages), std::nullopt);
    EXPECT_TRUE(this->is_in_run(run));
    const VirtAddr block = kAt + kBlock;
    EXPECT_TRUE(bench.engine.map({block, kBlock}, kPages + kBlock, mm::kData));

    EXPECT_TRUE(is_whole(run - kPage, kPage * (kRun + 2)));
    EXPECT_TRUE(is_whole(run, kPage * kRun));
    EXPECT_TRUE(is_whole(run - kPage, kPage));
    EXPECT_TRUE(is_whole(run + kPage * kRun, kPage));
    EXPECT_TRUE(is_whole(block, kBlock));
    EXPECT_TRUE(is_whole(run, Bytes{0}));

    EXPECT_FALSE(is_whole(run, kPage));
    EXPECT_FALSE(is_whole(run - kPage, kPage * 2));
    EXPECT_FALSE(is_whole(run + kPage * (kRun - 1), kPage * 2));
    EXPECT_FALSE(is_whole(run + kPage, kPage * kRun));
    EXPECT_FALSE(is_whole(run + kPage * kRun, kPage * 2)); // a page and a hole
    EXPECT_FALSE(is_whole(run - kPage * 2, kPage * 2));
    EXPECT_FALSE(is_whole(block, kBlock - kPage));
    EXPECT_FALSE(is_whole(block + kPage, kBlock - kPage));
    EXPECT_FALSE(is_whole(run, kPage * kRun + Bytes{8}));
    EXPECT_FALSE(is_whole(run - kPage + Bytes{8}, kPage - Bytes{8}));
}

TYPED_TEST(MapPagesTest, KnownSlotsAreMappedAndClearedWithoutAWalk)
{
    USE_ENGINE_TEST;
    const u64 count = kRun + 3; // a run begins within the range
    const auto [range, index, slots] = this->last_of_table(count);
    const u64 tables = bench.machine.pages_in_use();
    auto pages = this->scattered(3);
    for (const PhysAddr page : this->neighbours(kPages + kPage * kRun * 8, kRun))
        pages.push_back(page);
    for (int round = 0; round < 2; ++round) {
        typename TestFixture::Slots leaves{bench.env, slots};
        EXPECT_TRUE(leaves.map(index, pages, mm::kReadOnlyData));
        bench.expect_clean();
        this->expect_pages(range.base, pages, mm::kReadOnlyData);
        EXPECT_TRUE(this->is_in_run(range.end() - kPage));
        EXPECT_FALSE(this->is_in_run(range.base + kPage * 2));
        leaves.clear(count);
        this->flush(range);
        this->expect_pages(range.base, {});
        for (const PhysAddr page : pages)
            bench.machine.reuse_memory({page, kPage});
        bench.expect_clean();
    }
    EXPECT_EQ(bench.machine.pages_in_use(), tables);
}

TYPED_TEST(MapPagesTest, KnownSlotsMapABlockWithTheRunsThatFit)
{
    USE_ENGINE_TEST;
    const u64 count = kRun + 2; // a run begins two pages behind the range's and the block's begin
    const auto [range, index, slots] = this->last_of_table(count);
    const u64 tables = bench.machine.pages_in_use();
    const PhysAddr block = kPages + kPage * (kRun * 8 - 2);
    typename TestFixture::Slots leaves{bench.env, slots};
    leaves.map_block(index, count, block, mm::kReadOnlyData);
    bench.expect_clean();
    this->expect_pages(range.base, this->neighbours(block, count), mm::kReadOnlyData);
    EXPECT_TRUE(this->is_in_run(range.end() - kPage));
    EXPECT_FALSE(this->is_in_run(range.base));
    leaves.clear(count);
    this->flush(range);
    bench.expect_clean();
    EXPECT_EQ(bench.machine.pages_in_use(), tables);
}

TYPED_TEST(MapPagesTest, SlotsMapOnePageAndRefuseInvalidPages)
{
    USE_ENGINE_TEST;
    const auto slots = bench.engine.slots_for({kAt, kPage * 2});
    ASSERT_TRUE(slots.has_value() && *slots != nullptr);
    typename TestFixture::Slots leaves{bench.env, *slots + 1};
    leaves.map_page(kPages, mm::kData);
    bench.expect(kAt + kPage, kPages, mm::kData);
    bench.expect(kAt, std::nullopt);
    for (const PhysAddr bad : {kPages + Bytes{8}, PhysAddr{mm::kLinearOutput.count()}}) {
        const std::array pages{kPages, bad};
        typename TestFixture::Slots both{bench.env, *slots};
        EXPECT_EQ(both.map(0, pages, mm::kData).error(), MapError::Misaligned);
        bench.expect(kAt, std::nullopt);
    }
}

TYPED_TEST(MapPagesTest, ThereAreNoSlotsAcrossTwoTablesInsideABlockOrWithoutMemory)
{
    USE_ENGINE_TEST;
    const auto across = bench.engine.slots_for({kAt + (kBlock - kPage), kPage * 2});
    ASSERT_TRUE(across.has_value());
    EXPECT_EQ(*across, nullptr);
    const auto up_to_the_end = bench.engine.slots_for({kAt + (kBlock - kPage * 2), kPage * 2});
    EXPECT_TRUE(up_to_the_end.has_value() && *up_to_the_end != nullptr);

    EXPECT_TRUE(bench.engine.map({kAt + kBlock, kBlock}, kPages, mm::kData));
    EXPECT_EQ(bench.engine.slots_for({kAt + kBlock, kPage}).error(), MapError::AlreadyMapped);

    bench.env.fail_after(0);
    EXPECT_EQ(bench.engine.slots_for({kAt + kBlock * 2, kPage}).error(), MapError::NoMemory);
    bench.env.never_fail();
    const auto later = bench.engine.slots_for({kAt + kBlock * 2, kPage});
    EXPECT_TRUE(later.has_value() && *later != nullptr);
}

} // namespace
} // namespace percival::testing
