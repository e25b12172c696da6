// SPDX-License-Identifier: BSD-2-Clause
// Tests runs and differences of translation trees, in every geometry.
#include "mm/page_table/dump.hpp"
#include "tests/host/support/engine_test.hpp"

#include <vector>

namespace percival::testing {
namespace {

using mm::Difference;
using mm::MappedRun;

template <class G>
class PageTableDumpTest : public EngineTest<G> {
protected:
    using EngineTest<G>::bench;

    auto dump()
    {
        const auto at = [this](PhysAddr table) -> const SimulatedPte* { return bench.env.table(table); };
        return mm::PageTableDump<G, SimulatedPte, decltype(at)>{at};
    }
    std::vector<MappedRun> runs()
    {
        std::vector<MappedRun> all;
        dump().for_each_run(bench.root, [&all](const MappedRun& run) { all.push_back(run); });
        return all;
    }
    std::vector<Difference> differences(PhysAddr left, PhysAddr right)
    {
        std::vector<Difference> all;
        dump().for_each_difference(left, right,
                                   [&all](const Difference& difference) { all.push_back(difference); });
        return all;
    }
};
TYPED_TEST_SUITE(PageTableDumpTest, AllGeometries);

TYPED_TEST(PageTableDumpTest, EqualNeighboursFormOneRunAcrossTables)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kBlock * 2}, kMemory + kPage, mm::kData, Leaves::Pages));
    ASSERT_TRUE(bench.engine.map({kAt + kBlock * 2, kBlock}, kMemory, mm::kText));
    const auto runs = this->runs();
    ASSERT_EQ(runs.size(), 2u);
    EXPECT_TRUE(runs[0].range == (VirtRange{kAt, kBlock * 2}));
    EXPECT_EQ(runs[0].to.raw(), (kMemory + kPage).raw());
    EXPECT_FALSE(runs[0].is_block());
    EXPECT_TRUE(runs[0].rights.writable && !runs[0].rights.executable);
    EXPECT_TRUE(runs[1].is_block() && runs[1].rights.executable);
}

TYPED_TEST(PageTableDumpTest, DifferencesAreFoundAtAnyDepthAndBlocksEqualTheirPages)
{
    USE_ENGINE_TEST;
    auto& env = bench.env;
    const PhysAddr other = *env.allocate();
    bench.machine.add_root(other);
    typename Bench<TypeParam>::Engine second{other, env};
    ASSERT_TRUE(bench.engine.map({kAt, kBlock}, kMemory, mm::kData));
    EXPECT_EQ(this->differences(bench.root, other).size(), 1u);
    ASSERT_TRUE(second.map({kAt, kBlock - kPage}, kMemory, mm::kData, Leaves::Pages));
    const auto found = this->differences(bench.root, other);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].range == (VirtRange{kAt + (kBlock - kPage), kPage}));
    EXPECT_TRUE(found[0].left.has_value() && !found[0].right.has_value());
    ASSERT_TRUE(second.map({found[0].range.base, kPage}, *found[0].left, mm::kData, Leaves::Pages));
    EXPECT_TRUE(this->differences(bench.root, other).empty());
    EXPECT_TRUE(this->differences(other, bench.root).empty());
}

} // namespace
} // namespace percival::testing
