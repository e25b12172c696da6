// SPDX-License-Identifier: BSD-2-Clause
// Tests map, unmap and protect on the simulated machine, in every geometry.
#include "tests/host/support/engine_test.hpp"

namespace percival::testing {
namespace {

constexpr PhysAddr kTo = kMemory;

template <class G>
class PageTableTest : public EngineTest<G> {
protected:
    using EngineTest<G>::bench;

    void map(VirtRange range, PhysAddr to, Attributes attributes = mm::kData, Leaves leaves = Leaves::Largest)
    {
        EXPECT_TRUE(bench.engine.map(range, to, attributes, leaves).has_value());
        bench.expect_clean();
    }
};
TYPED_TEST_SUITE(PageTableTest, AllGeometries);

TYPED_TEST(PageTableTest, MapsOnePageAndNothingBesideIt)
{
    USE_ENGINE_TEST;
    this->map({kAt, kPage}, kTo, mm::kText);
    bench.expect(kAt, kTo, mm::kText);
    bench.expect(kAt + (kPage - Bytes{1}), kTo + (kPage - Bytes{1}), mm::kText);
    bench.expect(kAt + kPage, std::nullopt);
    bench.expect(kAt - Bytes{1}, std::nullopt);
}

TYPED_TEST(PageTableTest, TheTopmostPageCanBeMappedAndUnmapped)
{
    USE_ENGINE_TEST;
    const VirtAddr top = VirtAddr{0} - kPage;
    this->map({top, kPage}, kTo);
    bench.expect(top, kTo, mm::kData);
    EXPECT_TRUE(bench.unmap({top, kPage}));
    bench.expect(top, std::nullopt);
}

TYPED_TEST(PageTableTest, UsesBlocksAndRunsWhereAlignmentAllowsAndPagesElsewhere)
{
    USE_ENGINE_TEST;
    // One page before the block, the block, and one page after it.
    this->map({kAt - kPage, kBlock + kPage * 2}, kTo - kPage);
    EXPECT_EQ(bench.engine.walk(kAt - kPage).level, mm::kLastLevel);
    EXPECT_FALSE(bench.engine.walk(kAt - kPage).is_in_run());
    EXPECT_EQ(bench.engine.walk(kAt).level, TestFixture::kBlockLevel);
    EXPECT_EQ(bench.engine.walk(kAt + kBlock).level, mm::kLastLevel);
    EXPECT_TRUE(bench.unmap({kAt - kPage, kBlock + kPage * 2}));

    this->map({kAt + kPage, kPageRun * 2}, kTo + kPage);
    EXPECT_FALSE(bench.engine.walk(kAt + kPage).is_in_run());
    EXPECT_TRUE(bench.engine.walk(kAt + kPageRun).is_in_run());
    EXPECT_TRUE(bench.engine.walk(kAt + (kPageRun * 2 - kPage)).is_in_run());
    EXPECT_FALSE(bench.engine.walk(kAt + kPageRun * 2).is_in_run());
    EXPECT_TRUE(bench.unmap({kAt + kPage, kPageRun * 2}));

    this->map({kAt, kBlockRun}, kTo);
    EXPECT_TRUE(bench.engine.walk(kAt).is_in_run());
    EXPECT_EQ(bench.engine.walk(kAt).reach(), kBlockRun);
}

TYPED_TEST(PageTableTest, MapsDifferentlyAlignedMemoryByPlainPages)
{
    USE_ENGINE_TEST;
    this->map({kAt, kBlock}, kTo + kPage);
    EXPECT_EQ(bench.engine.walk(kAt).level, mm::kLastLevel);
    EXPECT_FALSE(bench.engine.walk(kAt).is_in_run());
    bench.expect(kAt + (kBlock - Bytes{8}), kTo + (kBlock + kPage - Bytes{8}), mm::kData);
}

TYPED_TEST(PageTableTest, LeavesPagesMapsBySinglePagesOnly)
{
    USE_ENGINE_TEST;
    this->map({kAt, kPageRun * 3}, kTo, mm::kData, Leaves::Pages);
    EXPECT_EQ(bench.engine.walk(kAt).level, mm::kLastLevel);
    EXPECT_FALSE(bench.engine.walk(kAt).is_in_run());
    bench.expect(kAt + kPageRun, kTo + kPageRun, mm::kData);
}

TYPED_TEST(PageTableTest, OutputAddressesContinueAcrossALinearOutputBoundary)
{
    USE_ENGINE_TEST;
    const PhysAddr boundary = PhysAddr{0x4'0000'0000'0000}.align_down(mm::kLinearOutput);
    this->map({kAt, kPage * 4}, boundary - kPage * 2);
    bench.expect(kAt + kPage, boundary - kPage, mm::kData);
    bench.expect(kAt + kPage * 2, boundary, mm::kData);
    bench.expect(kAt + kPage * 3, boundary + kPage, mm::kData);
}

TYPED_TEST(PageTableTest, MappingOverAValidEntryIsRefusedAndLeavesNothingBehind)
{
    USE_ENGINE_TEST;
    const u64 empty = bench.machine.pages_in_use();
    this->map({kAt + kPageRun * 2, kPage}, kTo);
    const u64 used = bench.machine.pages_in_use();
    EXPECT_EQ(bench.engine.map({kAt, kBlock}, kTo + kBlock, mm::kData).error(), MapError::AlreadyMapped);
    bench.expect_clean();
    bench.expect(kAt, std::nullopt);
    bench.expect(kAt + kPageRun * 2, kTo, mm::kData);
    EXPECT_EQ(bench.machine.pages_in_use(), used);
    EXPECT_EQ(bench.engine.map({kAt + kPageRun * 2, kPage}, kTo, mm::kData).error(), MapError::AlreadyMapped);
    EXPECT_TRUE(bench.unmap({kAt + kPageRun * 2, kPage}));
    EXPECT_EQ(bench.machine.pages_in_use(), empty);

    this->map({kAt, kBlock}, kTo);
    EXPECT_EQ(bench.engine.map({kAt + kPage, kPage}, kTo, mm::kData).error(), MapError::AlreadyMapped);
}

TYPED_TEST(PageTableTest, MisalignedRequestsAreRefused)
{
    USE_ENGINE_TEST;
    EXPECT_EQ(bench.engine.map({kAt + Bytes{8}, kPage}, kTo, mm::kData).error(), MapError::Misaligned);
    EXPECT_EQ(bench.engine.map({kAt, Bytes{8}}, kTo, mm::kData).error(), MapError::Misaligned);
    EXPECT_EQ(bench.engine.map({kAt, kPage}, kTo + Bytes{8}, mm::kData).error(), MapError::Misaligned);
    EXPECT_EQ(bench.unmap({kAt, Bytes{8}}).error(), MapError::Misaligned);
    EXPECT_EQ(bench.protect({kAt + Bytes{8}, kPage}, mm::kData).error(), MapError::Misaligned);
}

TYPED_TEST(PageTableTest, UnmappedMemoryMayBeReusedAfterTheFlushAndNotBefore)
{
    USE_ENGINE_TEST;
    this->map({kAt, kBlock + kPageRun}, kTo);
    {
        typename Bench<TypeParam>::Batch batch{bench.env};
        EXPECT_TRUE(bench.engine.unmap({kAt, kBlock + kPageRun}, batch));
        bench.machine.reuse_memory({kTo, kPage});
        EXPECT_EQ(bench.machine.take_violations().size(), 1u);
        batch.flush();
        bench.machine.reuse_memory({kTo, kBlock + kPageRun});
        bench.expect_clean();
    }
    bench.expect(kAt, std::nullopt);
    bench.expect(kAt + kBlock, std::nullopt);
    this->map({kAt, kBlock}, kTo + kBlock); // the addresses may be reused too
}

TYPED_TEST(PageTableTest, UnmappingAHoleIsRefusedAndChangesNothing)
{
    USE_ENGINE_TEST;
    this->map({kAt, kPage}, kTo);
    this->map({kAt + kPage * 2, kPage}, kTo + kPage * 2);
    EXPECT_EQ(bench.unmap({kAt, kPage * 3}).error(), MapError::NotMapped);
    EXPECT_EQ(bench.protect({kAt, kPage * 3}, mm::kReadOnlyData).error(), MapError::NotMapped);
    bench.expect(kAt, kTo, mm::kData);
    bench.expect(kAt + kPage * 2, kTo + kPage * 2, mm::kData);
}

TYPED_TEST(PageTableTest, UnmappingPartOfABlockKeepsTheRestMapped)
{
    USE_ENGINE_TEST;
    this->map({kAt, kBlock * 2}, kTo);
    EXPECT_TRUE(bench.unmap({kAt + kPage, kPage}));
    bench.expect_clean();
    bench.expect(kAt, kTo, mm::kData);
    bench.expect(kAt + kPage, std::nullopt);
    bench.expect(kAt + kPage * 2, kTo + kPage * 2, mm::kData);
    bench.expect(kAt + (kBlock - Bytes{8}), kTo + (kBlock - Bytes{8}), mm::kData);
    // In the split block, only the run with the hole lacks the hint.
    EXPECT_FALSE(bench.engine.walk(kAt).is_in_run());
    EXPECT_TRUE(bench.engine.walk(kAt + kPageRun).is_in_run());
    EXPECT_EQ(bench.engine.walk(kAt + kBlock).level, TestFixture::kBlockLevel);
}

TYPED_TEST(PageTableTest, PartOfARunOfPagesOrBlocksCanBeUnmapped)
{
    USE_ENGINE_TEST;
    this->map({kAt, kBlockRun}, kTo);
    EXPECT_TRUE(bench.unmap({kAt + kBlock, kBlock}));
    bench.expect_clean();
    bench.expect(kAt + kBlock, std::nullopt);
    bench.expect(kAt, kTo, mm::kData);
    bench.expect(kAt + kBlock * 2, kTo + kBlock * 2, mm::kData);
    EXPECT_FALSE(bench.engine.walk(kAt).is_in_run());

    this->map({kAt + kBlock, kPageRun}, kTo);
    EXPECT_TRUE(bench.unmap({kAt + kBlock + kPage, kPage}));
    bench.expect(kAt + kBlock + kPage, std::nullopt);
    bench.expect(kAt + kBlock + kPage * 2, kTo + kPage * 2, mm::kData);
}

TYPED_TEST(PageTableTest, ProtectChangesTheRangeAndNothingElse)
{
    USE_ENGINE_TEST;
    for (const Bytes start : {kPage, kPageRun, Bytes{0}}) {
        this->map({kAt, kBlockRun}, kTo);
        const VirtRange part{kAt + start, kBlock + kPageRun};
        EXPECT_TRUE(bench.protect(part, mm::kReadOnlyData));
        bench.expect_clean();
        bench.expect(part.base, kTo + start, mm::kReadOnlyData);
        bench.expect(part.end() - Bytes{8}, kTo + (part.end() - Bytes{8} - kAt), mm::kReadOnlyData);
        bench.expect(part.end(), kTo + (part.end() - kAt), mm::kData);
        if (start != Bytes{0})
            bench.expect(part.base - Bytes{8}, kTo + (start - Bytes{8}), mm::kData);
        EXPECT_TRUE(bench.unmap({kAt, kBlockRun}));
    }
}

TYPED_TEST(PageTableTest, AWholeRunKeepsItsHintWhenItIsProtected)
{
    USE_ENGINE_TEST;
    this->map({kAt, kPageRun}, kTo);
    EXPECT_TRUE(bench.protect({kAt, kPageRun}, mm::kReadOnlyData));
    EXPECT_TRUE(bench.engine.walk(kAt).is_in_run());
    bench.expect(kAt + kPage, kTo + kPage, mm::kReadOnlyData);
}

TYPED_TEST(PageTableTest, TheMemoryTypeChangesThroughBreakBeforeMake)
{
    USE_ENGINE_TEST;
    this->map({kAt, kPage}, kTo);
    EXPECT_TRUE(bench.protect({kAt, kPage}, mm::kDeviceRegisters));
    bench.expect(kAt, kTo, mm::kDeviceRegisters);
}

TYPED_TEST(PageTableTest, NoCpuSeesAHoleWhereSizesChangeLive)
{
    USE_ENGINE_TEST;
    bench.machine.set_resizes_live(true);
    this->map({kAt, kBlockRun}, kTo);
    const u64 before = bench.machine.counts.dsbs;
    EXPECT_TRUE(bench.protect({kAt + kPage, kPage}, mm::kReadOnlyData));
    EXPECT_GT(bench.machine.counts.dsbs, before);
    bench.expect(kAt, kTo, mm::kData);
    bench.expect(kAt + kPage, kTo + kPage, mm::kReadOnlyData);
    EXPECT_TRUE(bench.protect({kAt + kBlock, kPageRun}, mm::kDeviceRegisters));
    bench.expect(kAt + kBlock + kPage, kTo + kBlock + kPage, mm::kDeviceRegisters);
}

TYPED_TEST(PageTableTest, EmptyTablesOfAPrivateRangeAreFreedAndSharedTablesStay)
{
    USE_ENGINE_TEST;
    const u64 before = bench.machine.pages_in_use();
    this->map({kAt, kPage}, kTo);
    EXPECT_EQ(bench.machine.pages_in_use(), before + TypeParam::kLevels - 1);
    EXPECT_TRUE(bench.unmap({kAt, kPage}));
    EXPECT_EQ(bench.machine.pages_in_use(), before);

    typename Bench<TypeParam>::Engine shared{bench.root, bench.env, Tables::Shared};
    EXPECT_TRUE(shared.map({kAt, kPage}, kTo, mm::kData));
    {
        typename Bench<TypeParam>::Batch batch{bench.env};
        EXPECT_TRUE(shared.unmap({kAt, kPage}, batch));
    }
    EXPECT_EQ(bench.machine.pages_in_use(), before + TypeParam::kLevels - 1);
    // An empty table does not prevent the mapping of a block in its place.
    EXPECT_TRUE(shared.map({kAt, kBlock}, kTo, mm::kData));
    bench.expect(kAt + (kBlock - Bytes{8}), kTo + (kBlock - Bytes{8}), mm::kData);
}

TYPED_TEST(PageTableTest, AMapThatRunsOutOfTablesRevertsEverything)
{
    USE_ENGINE_TEST;
    const u64 before = bench.machine.pages_in_use();
    // The range needs a second table at each level below the root.
    const VirtAddr start = kAt + (kBlock - kPage);
    for (u64 pages = 0; pages < TypeParam::kLevels; ++pages) {
        bench.env.fail_after(pages);
        EXPECT_EQ(bench.engine.map({start, kPage * 2}, kTo, mm::kData).error(), MapError::NoMemory);
        bench.expect_clean();
        EXPECT_EQ(bench.machine.pages_in_use(), before);
        bench.expect(start, std::nullopt);
    }
    bench.env.fail_after(TypeParam::kLevels);
    EXPECT_TRUE(bench.engine.map({start, kPage * 2}, kTo, mm::kData));
    bench.expect(start + kPage, kTo + kPage, mm::kData);
}

TYPED_TEST(PageTableTest, ASplitThatRunsOutOfTablesLeavesEverythingMapped)
{
    USE_ENGINE_TEST;
    this->map({kAt, kBlock * 2}, kTo);
    const VirtRange across{kAt + kPage, kBlock};
    for (u64 pages = 0; pages < 2; ++pages) {
        bench.env.fail_after(pages);
        EXPECT_EQ(bench.unmap(across).error(), MapError::NoMemory);
        bench.env.fail_after(0);
        EXPECT_EQ(bench.protect(across, mm::kReadOnlyData).error(), MapError::NoMemory);
        bench.expect_clean();
        bench.expect(across.base, kTo + kPage, mm::kData);
        bench.expect(across.end() - Bytes{8}, kTo + (kBlock + kPage - Bytes{8}), mm::kData);
    }
}

TYPED_TEST(PageTableTest, EnsureTablesMakesTablesOnceAndMapsNothing)
{
    USE_ENGINE_TEST;
    EXPECT_TRUE(bench.engine.ensure_tables({kAt, kBlock}, TypeParam::kRootLevel));
    const u64 used = bench.machine.pages_in_use();
    EXPECT_TRUE(bench.engine.ensure_tables({kAt, kBlock}, TypeParam::kRootLevel));
    EXPECT_EQ(bench.machine.pages_in_use(), used);
    EXPECT_EQ(bench.engine.walk_to(kAt, TypeParam::kRootLevel).kind(), mm::PteKind::Table);
    bench.expect(kAt, std::nullopt);
}

} // namespace
} // namespace percival::testing
