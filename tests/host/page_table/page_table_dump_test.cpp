// SPDX-License-Identifier: BSD-2-Clause
// Tests runs and differences of translation trees, in every geometry.
#include "mm/page_table/dump.hpp"
#include "tests/host/support/simulated_tables.hpp"

#include <vector>

namespace percival::testing {
namespace {

using mm::Difference;
using mm::MappedRun;

template <class G>
class PageTableDumpTest : public ::testing::Test {
protected:
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

    static constexpr Bytes kPage = G::kPageSize;
    static constexpr Bytes kBlock = G::entry_size(Level{2});
    static constexpr VirtAddr kAt = kRegion<G>;
    Bench<G> bench;
};
TYPED_TEST_SUITE(PageTableDumpTest, AllGeometries);

TYPED_TEST(PageTableDumpTest, EqualNeighboursFormOneRunAcrossTables)
{
    using F = TestFixture;
    ASSERT_TRUE(
        this->bench.engine.map({F::kAt, F::kBlock * 2}, kMemory + F::kPage, mm::kData, Leaves::Pages));
    ASSERT_TRUE(this->bench.engine.map({F::kAt + F::kBlock * 2, F::kBlock}, kMemory, mm::kText));
    const auto runs = this->runs();
    ASSERT_EQ(runs.size(), 2u);
    EXPECT_TRUE(runs[0].range == (VirtRange{F::kAt, F::kBlock * 2}));
    EXPECT_EQ(runs[0].to.raw(), (kMemory + F::kPage).raw());
    EXPECT_FALSE(runs[0].is_block());
    EXPECT_TRUE(runs[0].rights.writable && !runs[0].rights.executable);
    EXPECT_TRUE(runs[1].is_block() && runs[1].rights.executable);
    EXPECT_FALSE(runs[0].is_bad() || runs[1].is_bad());
}

TYPED_TEST(PageTableDumpTest, AMappingAccessibleToUsersIsBad)
{
    using F = TestFixture;
    ASSERT_TRUE(this->bench.engine.map({F::kAt, F::kPage}, kMemory, mm::kData));
    SimulatedPte* slot = this->bench.engine.walk(F::kAt).slot;
    *slot = slot->with_user();
    ASSERT_EQ(this->runs().size(), 1u);
    EXPECT_TRUE(this->runs()[0].is_bad());
}

TYPED_TEST(PageTableDumpTest, DifferencesAreFoundAtAnyDepthAndBlocksEqualTheirPages)
{
    using F = TestFixture;
    auto& env = this->bench.env;
    const PhysAddr other = *env.allocate();
    this->bench.machine.add_root(other);
    typename Bench<TypeParam>::Engine second{other, env};
    ASSERT_TRUE(this->bench.engine.map({F::kAt, F::kBlock}, kMemory, mm::kData));
    EXPECT_EQ(this->differences(this->bench.root, other).size(), 1u);
    ASSERT_TRUE(second.map({F::kAt, F::kBlock - F::kPage}, kMemory, mm::kData, Leaves::Pages));
    const auto found = this->differences(this->bench.root, other);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].range == (VirtRange{F::kAt + (F::kBlock - F::kPage), F::kPage}));
    EXPECT_TRUE(found[0].left.has_value() && !found[0].right.has_value());
    ASSERT_TRUE(second.map({found[0].range.base, F::kPage}, *found[0].left, mm::kData, Leaves::Pages));
    EXPECT_TRUE(this->differences(this->bench.root, other).empty());
    EXPECT_TRUE(this->differences(other, this->bench.root).empty());
}

} // namespace
} // namespace percival::testing
