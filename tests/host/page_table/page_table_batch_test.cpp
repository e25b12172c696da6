// SPDX-License-Identifier: BSD-2-Clause
// Tests the TLB batch: what a flush costs, and that no queued translation survives it.
#include "tests/host/support/engine_test.hpp"

namespace percival::testing {
namespace {

using G = mm::Geometry4k48;

struct TlbBatchTest : EngineTest<G> {
    TlbBatchTest() : EngineTest{Tables::Shared} {}

    // Returns the cost of unmapping `range`, which is first mapped with `leaves`.
    auto cost_of_unmapping(VirtRange range, Leaves leaves)
    {
        EXPECT_TRUE(bench.engine.map(range, kMemory, mm::kData, leaves));
        bench.machine.counts = {};
        EXPECT_TRUE(bench.unmap(range));
        return bench.machine.counts;
    }
};

TEST_F(TlbBatchTest, APageCostsOneTlbiAndTwoBarriers)
{
    const auto cost = cost_of_unmapping({kAt, kPage}, Leaves::Pages);
    EXPECT_EQ(cost.tlbis, 1u);
    EXPECT_EQ(cost.dsbs, 2u);
    EXPECT_EQ(cost.isbs, 1u);
}

TEST_F(TlbBatchTest, AFlushIsRepeatedOnceWhereAnErratumNeedsIt)
{
    bench.machine.set_completes_tlbi_early(true);
    const u64 invalidations = mm::tlb_statistics.invalidations;
    const u64 barriers = mm::tlb_statistics.barriers;
    const auto cost = cost_of_unmapping({kAt, kPage * 5}, Leaves::Pages);
    bench.machine.reuse_memory({kMemory, kPage * 5});
    EXPECT_EQ(cost.tlbis, 5u + 1);
    EXPECT_EQ(cost.dsbs, 2u + 1);
    EXPECT_EQ(cost.isbs, 1u);
    EXPECT_EQ(mm::tlb_statistics.invalidations - invalidations, cost.tlbis);
    EXPECT_EQ(mm::tlb_statistics.barriers - barriers, cost.dsbs);
}

TEST_F(TlbBatchTest, AFlushOfThisCpuOnlyIsNotRepeated)
{
    bench.machine.set_completes_tlbi_early(true);
    bench.machine.counts = {};
    {
        mm::TlbBatch<G, SimulatedTables<G>, arch::TlbScope::ThisCpu> batch{bench.env};
        batch.add_leaves({kAt, kPage}, kPage);
    }
    EXPECT_EQ(bench.machine.counts.tlbis, 1u);
    EXPECT_EQ(bench.machine.counts.dsbs, 2u);
}

TEST_F(TlbBatchTest, ABlockCostsOneTlbi)
{
    EXPECT_EQ(cost_of_unmapping({kAt, 2_MiB}, Leaves::Largest).tlbis, 1u);
    EXPECT_EQ(cost_of_unmapping({kAt, 4_MiB}, Leaves::Largest).tlbis, 2u);
}

TEST_F(TlbBatchTest, ARunOfPagesCostsOneTlbiPerPageBecauseTheHintMayBeIgnored)
{
    EXPECT_EQ(cost_of_unmapping({kAt, 64_KiB}, Leaves::Largest).tlbis, 16u);
}

TEST_F(TlbBatchTest, PagesAreInvalidatedByRangeWhereTheCpuSupportsIt)
{
    bench.machine.set_range_tlbi(true);
    EXPECT_EQ(cost_of_unmapping({kAt, 2_MiB}, Leaves::Pages).tlbis, 1u);
    EXPECT_EQ(bench.machine.counts.full_tlbis, 0u);
}

TEST_F(TlbBatchTest, TooManyTlbisBecomeOneFullFlush)
{
    EXPECT_EQ(cost_of_unmapping({kAt, 2_MiB}, Leaves::Pages).full_tlbis, 0u);
    const auto cost = cost_of_unmapping({kAt, 2_MiB + kPage}, Leaves::Pages);
    EXPECT_EQ(cost.tlbis, 1u);
    EXPECT_EQ(cost.full_tlbis, 1u);
}

TEST_F(TlbBatchTest, NeighboursAreMergedAndTooManyItemsBecomeOneFullFlush)
{
    EXPECT_TRUE(bench.engine.map({kAt, 2_MiB}, kMemory, mm::kData, Leaves::Pages));
    bench.machine.set_range_tlbi(true);
    bench.machine.counts = {};
    {
        Bench<G>::Batch batch{bench.env};
        for (u64 page = 0; page < 64; ++page)
            EXPECT_TRUE(bench.engine.unmap({kAt + kPage * page, kPage}, batch));
    }
    EXPECT_EQ(bench.machine.counts.tlbis, 1u);
    EXPECT_EQ(bench.machine.counts.full_tlbis, 0u);
    {
        Bench<G>::Batch batch{bench.env};
        for (u64 page = 64; page < 128; page += 2)
            EXPECT_TRUE(bench.engine.unmap({kAt + kPage * page, kPage}, batch));
    }
    EXPECT_EQ(bench.machine.counts.tlbis, 2u);
    EXPECT_EQ(bench.machine.counts.full_tlbis, 1u);
}

TEST_F(TlbBatchTest, MappingInvalidatesNothing)
{
    EXPECT_TRUE(bench.engine.map({kAt, 4_MiB + kPage}, kMemory, mm::kData));
    EXPECT_EQ(bench.machine.counts.tlbis, 0u);
}

TEST_F(TlbBatchTest, AnEmptyFlushCostsNothing)
{
    bench.machine.counts = {};
    {
        Bench<G>::Batch batch{bench.env};
        batch.flush();
    }
    EXPECT_EQ(bench.machine.counts.dsbs, 0u);
}

TEST_F(TlbBatchTest, StatisticsCountIssuedTlbisAndBarriers)
{
    const u64 invalidations = mm::tlb_statistics.invalidations;
    const u64 barriers = mm::tlb_statistics.barriers;
    const auto cost = cost_of_unmapping({kAt, kPage * 5}, Leaves::Pages);
    EXPECT_EQ(mm::tlb_statistics.invalidations - invalidations, cost.tlbis);
    EXPECT_EQ(mm::tlb_statistics.barriers - barriers, cost.dsbs);
}

TEST_F(TlbBatchTest, ManyTablesAreFreedEachOnlyAfterItsFlush)
{
    Bench<G>::Engine engine{bench.root, bench.env, Tables::Private};
    const u64 before = bench.machine.pages_in_use();
    for (u64 block = 0; block < 20; ++block)
        EXPECT_TRUE(engine.map({kAt + 2_MiB * block, 2_MiB}, kMemory + kPage, mm::kData, Leaves::Pages));
    {
        Bench<G>::Batch batch{bench.env};
        EXPECT_TRUE(engine.unmap({kAt, 2_MiB * 20}, batch));
        EXPECT_GT(bench.machine.pages_in_use(), before);
    }
    EXPECT_EQ(bench.machine.pages_in_use(), before);
}

// A batch for one CPU cannot be passed to an engine that edits the tables of all CPUs.
template <class Batch>
concept UnmapsWith = requires(Bench<G>::Engine engine, Batch batch) { engine.unmap(VirtRange{}, batch); };
static_assert(UnmapsWith<mm::TlbBatch<G, SimulatedTables<G>>>);
static_assert(!UnmapsWith<mm::TlbBatch<G, SimulatedTables<G>, arch::TlbScope::ThisCpu>>);

} // namespace
} // namespace percival::testing
