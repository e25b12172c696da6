// SPDX-License-Identifier: BSD-2-Clause
// Tests that a cloned range has the entries of the original in tables of its own, and that a clone is whole
// or leaves nothing.
#include "mm/page_table/range_cloner.hpp"

#include "tests/host/support/engine_test.hpp"

namespace percival::testing {
namespace {

template <class G>
class RangeClonerTest : public EngineTest<G> {
protected:
    static constexpr Bytes kPage = G::kPageSize;
    static constexpr Bytes kBlock = G::entry_size(mm::kLastLevel.up());
    static constexpr VirtRange kWritable{kRegion<G>,
                                         kBlock * 2 + kPage*(G::contiguous_entries(mm::kLastLevel) + 3)};
    static constexpr VirtRange kReadOnly{kRegion<G> + kBlock * 4, kPage * 2};
    static constexpr VirtRange kAll{kRegion<G>, kBlock * 6};

    void SetUp() override
    {
        EXPECT_TRUE(this->bench.engine.map(kWritable, kMemory, mm::kData));
        EXPECT_TRUE(this->bench.engine.map(kReadOnly, kMemory, mm::kReadOnlyData));
        copy = *this->bench.env.allocate();
    }
    mm::RangeCloner<G, SimulatedPte, SimulatedTables<G>> cloner()
    {
        return {this->bench.root, copy, this->bench.env};
    }
    mm::Walk<G, SimulatedPte> walk_copy(VirtAddr at)
    {
        return mm::PageTableWalker<G, SimulatedPte, SimulatedTables<G>>{copy, this->bench.env}.walk(at);
    }
    u64 pages() const { return this->bench.machine.pages_in_use(); }

    PhysAddr copy{};
};
TYPED_TEST_SUITE(RangeClonerTest, AllGeometries);

TYPED_TEST(RangeClonerTest, EveryEntryIsThatOfTheOriginalInATableOfTheCopy)
{
    using Fixture = TestFixture;
    ASSERT_TRUE(this->cloner().clone(Fixture::kAll));
    for (VirtAddr at = Fixture::kAll.base; Fixture::kAll.contains(at);) {
        const auto own = this->bench.engine.walk(at), cloned = this->walk_copy(at);
        EXPECT_TRUE(cloned.pte == own.pte);
        if (own.kind() == mm::PteKind::Leaf) {
            EXPECT_EQ(cloned.level, own.level);
            EXPECT_NE(cloned.slot, own.slot);
        }
        at += TypeParam::entry_size(own.level);
    }
    // Later changes do not reach it.
    EXPECT_TRUE(this->bench.protect(Fixture::kReadOnly, mm::kData));
    EXPECT_TRUE(this->walk_copy(Fixture::kReadOnly.base).pte.attributes() == mm::kReadOnlyData);
}

TYPED_TEST(RangeClonerTest, AnInvalidEntryThatIsNotEmptyIsClonedAsItIs)
{
    using Fixture = TestFixture;
    const VirtAddr at = Fixture::kReadOnly.base;
    EXPECT_TRUE(this->bench.unmap({at, Fixture::kPage}));
    const SimulatedPte noted{u64{0x1234} << 12};
    this->bench.env.store(this->bench.engine.walk(at).slot, noted);
    this->bench.env.publish();
    ASSERT_TRUE(this->cloner().clone(Fixture::kAll));
    EXPECT_TRUE(this->walk_copy(at).pte == noted);
    EXPECT_EQ(this->walk_copy(at).level, mm::kLastLevel);
    this->cloner().free(Fixture::kAll);
    this->bench.env.store(this->bench.engine.walk(at).slot, SimulatedPte{});
    this->bench.env.publish();
}

TYPED_TEST(RangeClonerTest, IsFreedAsAWhole)
{
    const u64 before = this->pages();
    ASSERT_TRUE(this->cloner().clone(TestFixture::kAll));
    EXPECT_GT(this->pages(), before);
    this->cloner().free(TestFixture::kAll);
    EXPECT_EQ(this->pages(), before);
    EXPECT_TRUE(this->walk_copy(TestFixture::kAll.base).pte == SimulatedPte{});
    this->bench.expect(TestFixture::kWritable.base, kMemory, mm::kData);
}

TYPED_TEST(RangeClonerTest, WithoutMemoryAtAnyStepNothingIsLeft)
{
    const u64 before = this->pages();
    u64 successes = 0;
    for (bool is_cloned = false; !is_cloned; ++successes) {
        this->bench.env.fail_after(successes);
        is_cloned = this->cloner().clone(TestFixture::kAll).has_value();
        this->bench.env.never_fail();
        this->cloner().free(TestFixture::kAll);
        EXPECT_EQ(this->pages(), before);
    }
    EXPECT_GT(successes, 2u);
}

} // namespace
} // namespace percival::testing
