// SPDX-License-Identifier: BSD-2-Clause
// Tests that a tree's flaws are found on the simulated machine, each kind where it was planted, in every
// geometry: also inside of larger leaves, and in what one root has of its own.
#include "mm/page_table/mapping_flaw.hpp"
#include "tests/host/support/engine_test.hpp"

#include <array>
#include <vector>

namespace percival::testing {
namespace {

using mm::FlawedMapping;
using mm::MappedRun;
using mm::MappingFlaw;

template <class G>
class MappingFlawTest : public EngineTest<G> {
protected:
    using EngineTest<G>::bench;
    using EngineTest<G>::kPage;

    // Two ranges that must be read-only at each address.
    const std::array<PhysRange, 2> read_only{
        {{kMemory + kPage * 3, kPage * 2}, {kMemory + kPage * 8, kPage}}};

    auto dump()
    {
        const auto at = [this](PhysAddr table) -> const SimulatedPte* { return bench.env.table(table); };
        return mm::PageTableDump<G, SimulatedPte, decltype(at)>{at};
    }
    std::vector<FlawedMapping> flaws()
    {
        std::vector<FlawedMapping> all;
        dump().for_each_run(bench.root, [&](const MappedRun& run) { add(bench.root, run, all); });
        return all;
    }
    std::vector<FlawedMapping> flaws_of_own_part(PhysAddr root)
    {
        std::vector<FlawedMapping> all;
        dump().for_each_own_run(root, bench.root, [&](const MappedRun& run) { add(root, run, all); });
        return all;
    }

private:
    void add(PhysAddr root, const MappedRun& run, std::vector<FlawedMapping>& all)
    {
        mm::for_each_flaw(root, run, read_only,
                          [&all](const FlawedMapping& flawed) { all.push_back(flawed); });
    }
};
TYPED_TEST_SUITE(MappingFlawTest, AllGeometries);

TYPED_TEST(MappingFlawTest, ReadOnlyAliasesAndWritablePagesNextToReadOnlyOnesAreAllowed)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kPage * 10}, kMemory, mm::kReadOnlyData, Leaves::Pages));
    ASSERT_TRUE(bench.engine.map({kAt + kBlock, kPage}, kMemory + kPage * 3, mm::kText, Leaves::Pages));
    ASSERT_TRUE(bench.engine.map({kAt + kBlock * 2, kPage * 3}, kMemory, mm::kData, Leaves::Pages));
    ASSERT_TRUE(
        bench.engine.map({kAt + kBlock * 3, kPage * 3}, kMemory + kPage * 5, mm::kData, Leaves::Pages));
    EXPECT_TRUE(this->flaws().empty());
}

TYPED_TEST(MappingFlawTest, AWritableAliasIsFoundAtItsAddressAndOnlyAsFarAsItReaches)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kPage * 10}, kMemory, mm::kData, Leaves::Pages));
    const auto flaws = this->flaws();
    ASSERT_EQ(flaws.size(), 2u);
    EXPECT_EQ(flaws[0].flaw, MappingFlaw::WritableAlias);
    EXPECT_EQ(flaws[0].root.raw(), bench.root.raw());
    EXPECT_TRUE(flaws[0].range == (VirtRange{kAt + kPage * 3, kPage * 2}));
    EXPECT_EQ(flaws[0].to.raw(), (kMemory + kPage * 3).raw());
    EXPECT_TRUE(flaws[0].rights.writable && !flaws[0].rights.executable && !flaws[0].rights.user);
    EXPECT_TRUE(flaws[1].range == (VirtRange{kAt + kPage * 8, kPage}));
}

TYPED_TEST(MappingFlawTest, AWritableAliasOfThePartOfARangeIsFound)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kPage}, kMemory + kPage * 4, mm::kData, Leaves::Pages));
    const auto flaws = this->flaws();
    ASSERT_EQ(flaws.size(), 1u);
    EXPECT_TRUE(flaws[0].range == (VirtRange{kAt, kPage}));
    EXPECT_EQ(flaws[0].to.raw(), (kMemory + kPage * 4).raw());
}

TYPED_TEST(MappingFlawTest, AWritableAliasInsideOfABlockIsFound)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kBlock}, kMemory, mm::kData));
    const auto flaws = this->flaws();
    ASSERT_EQ(flaws.size(), 2u);
    EXPECT_TRUE(flaws[0].range == (VirtRange{kAt + kPage * 3, kPage * 2}));
    EXPECT_TRUE(flaws[1].range == (VirtRange{kAt + kPage * 8, kPage}));
}

TYPED_TEST(MappingFlawTest, AnAliasThatBecomesWritableIsFoundAndOneThatIsSealedIsNotAnyMore)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kPage}, kMemory + kPage * 8, mm::kReadOnlyData, Leaves::Pages));
    EXPECT_TRUE(this->flaws().empty());
    ASSERT_TRUE(bench.protect({kAt, kPage}, mm::kData));
    EXPECT_EQ(this->flaws().size(), 1u);
    ASSERT_TRUE(bench.protect({kAt, kPage}, mm::kReadOnlyData));
    EXPECT_TRUE(this->flaws().empty());
}

TYPED_TEST(MappingFlawTest, AWritableAndExecutablePageIsFound)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kPage}, kMemory, mm::kData));
    SimulatedPte* slot = bench.engine.walk(kAt).slot;
    *slot = slot->with_write_and_execute();
    const auto flaws = this->flaws();
    ASSERT_EQ(flaws.size(), 1u);
    EXPECT_EQ(flaws[0].flaw, MappingFlaw::WritableAndExecutable);
    EXPECT_TRUE(flaws[0].range == (VirtRange{kAt, kPage}));
    EXPECT_TRUE(flaws[0].rights.writable && flaws[0].rights.executable);
}

TYPED_TEST(MappingFlawTest, APageOpenToUserModeIsFoundWhateverElseItGrants)
{
    USE_ENGINE_TEST;
    ASSERT_TRUE(bench.engine.map({kAt, kPage}, kMemory, mm::kReadOnlyData));
    SimulatedPte* slot = bench.engine.walk(kAt).slot;
    *slot = slot->with_user();
    const auto flaws = this->flaws();
    ASSERT_EQ(flaws.size(), 1u);
    EXPECT_EQ(flaws[0].flaw, MappingFlaw::OpenToUserMode);
    EXPECT_TRUE(flaws[0].range == (VirtRange{kAt, kPage}));
}

// A second root shares the first one's tables, and has one page of its own.
TYPED_TEST(MappingFlawTest, TheOwnPartOfARootIsAllThatItDoesNotShare)
{
    USE_ENGINE_TEST;
    auto& env = bench.env;
    const PhysAddr other = *env.allocate();
    bench.machine.add_root(other);
    ASSERT_TRUE(bench.engine.map({kAt, kPage}, kMemory + kPage * 8, mm::kData, Leaves::Pages));
    constexpr u64 kEntries = TypeParam::entries(TypeParam::kRootLevel);
    for (u64 index = 0; index < kEntries; ++index)
        env.store(env.table(other) + index, env.table(bench.root)[index]);
    EXPECT_TRUE(this->flaws_of_own_part(other).empty());
    EXPECT_EQ(this->flaws().size(), 1u);

    const VirtAddr own_at =
        TypeParam::kKernelBase + TypeParam::entry_size(TypeParam::kRootLevel) * (kEntries - 1);
    typename Bench<TypeParam>::Engine second{other, env};
    ASSERT_TRUE(second.map({own_at, kPage}, kMemory + kPage * 3, mm::kData, Leaves::Pages));
    const auto flaws = this->flaws_of_own_part(other);
    ASSERT_EQ(flaws.size(), 1u);
    EXPECT_EQ(flaws[0].root.raw(), other.raw());
    EXPECT_TRUE(flaws[0].range == (VirtRange{own_at, kPage}));
}

} // namespace
} // namespace percival::testing
