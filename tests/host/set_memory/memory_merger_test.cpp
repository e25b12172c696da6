// SPDX-License-Identifier: BSD-2-Clause
// Tests that leaves which agree again are merged, on the simulated machine and in every geometry.
#include "mm/set_memory/memory_merger.hpp"

#include "set_memory/set_memory_bed.hpp"

namespace percival::testing {
namespace {

using enum mm::MemoryChange;

template <class G>
class MemoryMergerTest : public SetMemoryBed<G> {
protected:
    using SetMemoryBed<G>::bench;
    using Tables = SetMemoryBed<G>::Tables;

    mm::Merged merge(VirtAddr at)
    {
        typename SetMemoryBed<G>::Stock stock{bench.env};
        Tables env{stock};
        const mm::Merged merged = mm::MemoryMerger<G, SimulatedPte, Tables>{bench.root, env}.merge(at);
        bench.expect_clean();
        return merged;
    }
};
TYPED_TEST_SUITE(MemoryMergerTest, AllGeometries);

TYPED_TEST(MemoryMergerTest, ABlockThatWasSplitIsABlockAgainAndItsTableIsFreed)
{
    USE_ENGINE_TEST;
    this->map(kBlock);
    const u64 tables = bench.machine.pages_in_use();
    this->expect_change({kAt + kPage, kPage}, ReadOnly);
    this->expect_change({kAt + kPage, kPage}, ReadWrite);
    EXPECT_EQ(bench.machine.pages_in_use(), tables + 1);
    EXPECT_EQ(this->merge(kAt + kPage).blocks, 1u);
    EXPECT_EQ(bench.machine.pages_in_use(), tables);
    EXPECT_EQ(bench.engine.walk(kAt).level, kBlockLevel);
    for (const VirtAddr at : {kAt, kAt + kPage, kAt + (kBlock - kPage)})
        this->expect(at, mm::kData);
    // The TLBs hold nothing of the table that would outlive a change of the block.
    this->expect_change({kAt, kBlock}, ReadOnly);
    this->expect(kAt + kPage, mm::kReadOnlyData);
}

TYPED_TEST(MemoryMergerTest, OnePageThatDiffersKeepsItsRunAndItsBlockApart)
{
    USE_ENGINE_TEST;
    this->map(kBlock);
    const VirtAddr last = kAt + (kBlock - kPage);
    for (const mm::MemoryChange what : {ReadOnly, Invalid}) {
        this->expect_change({last, kPage}, what);
        this->expect_change({kAt, kPage}, ReadOnly); // unfolds the first run
        this->expect_change({kAt, kPage}, ReadWrite);
        const mm::Merged merged = this->merge(kAt);
        EXPECT_EQ(merged.blocks, 0u);
        EXPECT_EQ(merged.runs, 1u);
        EXPECT_TRUE(bench.engine.walk(kAt).is_in_run());
        EXPECT_FALSE(bench.engine.walk(last).is_in_run());
    }
    bench.expect(last, std::nullopt);
    this->expect_change({last, kPage}, Valid);
    this->expect(last, mm::kReadOnlyData);
    this->expect_change({last, kPage}, ReadWrite);
    EXPECT_EQ(this->merge(kAt).blocks, 1u);
    this->expect(last, mm::kData);
}

TYPED_TEST(MemoryMergerTest, ARunOfBlocksIsARunAgain)
{
    USE_ENGINE_TEST;
    this->map(kBlockRun);
    this->expect_change({kAt + kPage, kPage}, ReadOnly);
    EXPECT_FALSE(bench.engine.walk(kAt + kBlock).is_in_run());
    this->expect_change({kAt + kPage, kPage}, ReadWrite);
    const mm::Merged merged = this->merge(kAt);
    EXPECT_EQ(merged.blocks, 1u);
    EXPECT_EQ(merged.runs, 1u);
    EXPECT_EQ(bench.engine.walk(kAt).reach(), kBlockRun);
    this->expect(kAt + kPage, mm::kData);
    this->expect(kAt + (kBlockRun - kPage), mm::kData);
}

TYPED_TEST(MemoryMergerTest, PagesOfMisalignedMemoryStayPages)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kBlock}, kMemory + kPage, mm::kData).has_value());
    const mm::Merged merged = this->merge(kAt);
    EXPECT_EQ(merged.blocks + merged.runs, 0u);
}

} // namespace
} // namespace percival::testing
