// SPDX-License-Identifier: BSD-2-Clause
// Tests set_memory() on the simulated machine, in every geometry.
#include "set_memory/set_memory_bed.hpp"

namespace percival::testing {
namespace {

using enum mm::MemoryChange;
using mm::Breaks;
using mm::MemoryChange;
using mm::SetMemoryError;

template <class G>
using MemoryEditorTest = SetMemoryBed<G>;
TYPED_TEST_SUITE(MemoryEditorTest, AllGeometries);

TYPED_TEST(MemoryEditorTest, ChangesOnePageInABlockAndNothingBesideIt)
{
    USE_ENGINE_TEST;
    this->map(kBlock);
    const VirtAddr page = kAt + kPageRun + kPage;
    this->expect_change({page, kPage}, ReadOnly);
    this->expect(page, mm::kReadOnlyData);
    for (const VirtAddr beside :
         {kAt, page - kPage, page + kPage, kAt + kPageRun * 2, kAt + (kBlock - kPage)})
        this->expect(beside, mm::kData);
    this->expect_change({page, kPage}, ReadWrite);
    this->expect(page, mm::kData);
}

TYPED_TEST(MemoryEditorTest, EachChangeOfProtectionHoldsForAllPages)
{
    USE_ENGINE_TEST;
    this->map(kBlock * 2 + kPage);
    const VirtRange range{kAt + kPage, kBlock};
    const VirtAddr last = kAt + kBlock;
    const std::pair<MemoryChange, Attributes> steps[] = {
        {ReadOnly, mm::kReadOnlyData},      {Executable, mm::kText}, {ReadOnly, mm::kText},
        {NotExecutable, mm::kReadOnlyData}, {ReadWrite, mm::kData},  {NotExecutable, mm::kData},
    };
    for (const auto& [what, attributes] : steps) {
        this->expect_change(range, what);
        this->expect(range.base, attributes);
        this->expect(last, attributes);
        this->expect(kAt, mm::kData);
        this->expect(last + kPage, mm::kData);
    }
}

TYPED_TEST(MemoryEditorTest, NoPageBecomesWritableAndExecutable)
{
    USE_ENGINE_TEST;
    this->map(kPage * 2);
    this->expect_error(SetMemoryError::WriteAndExecute, {kAt, kPage * 2}, Executable);
    this->expect_change({kAt + kPage, kPage}, ReadOnly);
    this->expect_change({kAt + kPage, kPage}, Executable);
    // The first page would be allowed.
    this->expect_error(SetMemoryError::WriteAndExecute, {kAt, kPage * 2}, ReadWrite);
    this->expect(kAt, mm::kData);
    this->expect(kAt + kPage, mm::kText);
}

TYPED_TEST(MemoryEditorTest, APageMadeInvalidKeepsItsMemoryAndItsProtection)
{
    USE_ENGINE_TEST;
    this->map(kBlock);
    const VirtAddr page = kAt + kPageRun;
    this->expect_change({page, kPage}, ReadOnly);
    this->expect_change({page, kPage * 2}, Invalid);
    bench.expect(page, std::nullopt);
    bench.expect(page + kPage, std::nullopt);
    this->expect_change({page, kPage * 2}, Valid);
    this->expect(page, mm::kReadOnlyData);
    this->expect(page + kPage, mm::kData);
}

TYPED_TEST(MemoryEditorTest, ProtectionChangedWhileInvalidHoldsOnceValid)
{
    USE_ENGINE_TEST;
    this->map(kPage);
    this->expect_change({kAt, kPage}, Invalid);
    this->expect_change({kAt, kPage}, ReadOnly);
    this->expect_change({kAt, kPage}, Executable);
    this->expect_error(SetMemoryError::WriteAndExecute, {kAt, kPage}, ReadWrite);
    bench.expect(kAt, std::nullopt);
    this->expect_change({kAt, kPage}, Valid);
    this->expect(kAt, mm::kText);
}

TYPED_TEST(MemoryEditorTest, ABlockMadeInvalidBecomesValidAgainPageByPage)
{
    USE_ENGINE_TEST;
    this->map(kBlockRun);
    this->expect_change({kAt, kBlockRun}, Invalid);
    bench.expect(kAt, std::nullopt);
    this->expect_change({kAt + kPage, kPage}, Valid);
    bench.expect(kAt, std::nullopt);
    this->expect(kAt + kPage, mm::kData);
    bench.expect(kAt + kPage * 2, std::nullopt);
    this->expect_change({kAt, kBlockRun}, Valid);
    for (const VirtAddr at : {kAt, kAt + kPage, kAt + (kBlockRun - kPage)})
        this->expect(at, mm::kData);
}

TYPED_TEST(MemoryEditorTest, AHoleIsRefusedWhateverTheChange)
{
    USE_ENGINE_TEST;
    this->map(kPage * 2);
    for (const MemoryChange what : {ReadOnly, ReadWrite, NotExecutable, Valid, Invalid})
        this->expect_error(SetMemoryError::NotMapped, {kAt + kPage, kPage * 2}, what);
    this->expect(kAt + kPage, mm::kData);
}

TYPED_TEST(MemoryEditorTest, ClearEmptiesPagesThatWereMadeInvalid)
{
    USE_ENGINE_TEST;
    this->map(kPageRun * 2);
    this->expect_change({kAt + kPage, kPage}, Invalid);
    bench.engine.clear({kAt, kPageRun * 2});
    typename TestFixture::Stock stock{bench.env};
    typename Bench<TypeParam>::Batch{bench.env}.add_leaves({kAt, kPageRun * 2}, kPage);
    this->expect_error(SetMemoryError::NotMapped, {kAt + kPage, kPage}, Valid);
    this->map(kPageRun * 2, mm::kReadOnlyData);
    this->expect(kAt + kPage, mm::kReadOnlyData);
}

TYPED_TEST(MemoryEditorTest, NothingInTheLinearMapIsSplitOrBrokenWhereSizesDoNotChangeLive)
{
    USE_ENGINE_TEST;
    bench.machine.set_resizes_live(false);
    this->map(kBlock + kPageRun);
    for (const MemoryChange what : {ReadOnly, Invalid}) {
        this->expect_error(SetMemoryError::NotSplittable, {kAt + kPage, kPage}, what);
        this->expect_error(SetMemoryError::NotSplittable, {kAt, kBlock - kPage}, what);
    }
    // A whole run: its entries may not change one by one.
    this->expect_error(SetMemoryError::NotSplittable, {kAt + kBlock, kPageRun}, ReadOnly);
    this->expect(kAt + kBlock, mm::kData);
    // Whole leaves, and a whole run made invalid.
    this->expect_change({kAt, kBlock}, ReadOnly);
    this->expect(kAt, mm::kReadOnlyData);
    this->expect_change({kAt + kBlock, kPageRun}, Invalid);
    bench.expect(kAt + kBlock, std::nullopt);
    this->expect_change({kAt + kBlock, kPageRun}, Valid);
    this->expect(kAt + kBlock, mm::kData);
}

// One of the pages begins a run, of which nothing else changes.
TYPED_TEST(MemoryEditorTest, APageInABlockIsInvalidatedAfterTheBlockWhereSizesChangeLive)
{
    USE_ENGINE_TEST;
    this->map(kBlock * 3);
    const VirtAddr last = kAt + (kBlock * 3 - kPage);
    for (const VirtAddr page : {kAt + kPage, kAt + kBlock + kPageRun, last}) {
        const u64 before = mm::tlb_statistics.invalidations;
        this->expect_change({page, kPage}, ReadOnly);
        EXPECT_EQ(mm::tlb_statistics.invalidations, before + 2);
        this->expect(page, mm::kReadOnlyData);
    }
    for (const VirtAddr beside : {kAt, kAt + kPage * 2, kAt + kBlock + (kPageRun + kPage), last - kPage})
        this->expect(beside, mm::kData);
}

TYPED_TEST(MemoryEditorTest, APageInABlockThatIsBrokenTakesOneInvalidationForBoth)
{
    USE_ENGINE_TEST;
    bench.machine.set_resizes_live(false);
    this->map(kBlock * 3);
    const VirtAddr last = kAt + (kBlock * 3 - kPage);
    for (const VirtAddr page : {kAt + kPage, kAt + kBlock, last}) {
        const u64 before = mm::tlb_statistics.invalidations;
        this->expect_change({page, kPage}, page == last ? Invalid : ReadOnly, Breaks::Allowed);
        EXPECT_EQ(mm::tlb_statistics.invalidations, before + 1);
    }
    this->expect(kAt + kPage, mm::kReadOnlyData);
    this->expect(kAt + kBlock, mm::kReadOnlyData);
    bench.expect(last, std::nullopt);
    for (const VirtAddr beside : {kAt, kAt + kPage * 2, kAt + kBlock + kPage, last - kPage})
        this->expect(beside, mm::kData);
}

TYPED_TEST(MemoryEditorTest, PagesOfAnOwnAreaAreChangedByABreakWhereSizesDoNotChangeLive)
{
    USE_ENGINE_TEST;
    bench.machine.set_resizes_live(false);
    this->map(kBlock + kPageRun);
    this->expect_change({kAt + kPage, kPage}, ReadOnly, Breaks::Allowed);
    this->expect(kAt + kPage, mm::kReadOnlyData);
    this->expect_change({kAt + kBlock, kPageRun}, ReadOnly, Breaks::Allowed);
    this->expect(kAt + kBlock, mm::kReadOnlyData);
    this->expect_change({kAt + kBlock + kPage, kPage}, Invalid, Breaks::Allowed);
    bench.expect(kAt + kBlock + kPage, std::nullopt);
    this->expect(kAt + kBlock, mm::kReadOnlyData);
}

} // namespace
} // namespace percival::testing
