// SPDX-License-Identifier: BSD-2-Clause
// Tests that a painted range consists of pages and translates as before, and that a range is painted whole or
// not at all. CPU 1 has left the tree: it does not tolerate that leaves change their size.
#include "mm/page_table/page_painter.hpp"

#include "tests/host/support/engine_test.hpp"

#include <vector>

namespace percival::testing {
namespace {

template <class G>
class PagePainterTest : public EngineTest<G> {
protected:
    using Painter = mm::PagePainter<G, SimulatedPte, SimulatedTables<G>>;

    static constexpr Bytes kPage = G::kPageSize;
    static constexpr Bytes kBlock = G::entry_size(mm::kLastLevel.up());
    static constexpr Bytes kQuarter{kBlock.count() / 4};
    static constexpr Bytes kRunOfPages = kPage * G::contiguous_entries(mm::kLastLevel);
    static constexpr VirtAddr kAt = kRegion<G>;
    // Blocks, pages in and out of runs, a hole, and a block that is read-only.
    static constexpr VirtRange kWritable{kAt, kBlock * 3 + kRunOfPages + kPage};
    static constexpr VirtRange kReadOnly{kAt + kBlock * 5, kBlock};
    static constexpr VirtRange kAll{kAt, kBlock * 6};

    void SetUp() override
    {
        EXPECT_TRUE(this->bench.engine.map(kWritable, kMemory, mm::kData));
        EXPECT_TRUE(this->bench.engine.map(kReadOnly, kMemory + kBlock * 5, mm::kReadOnlyData));
        this->bench.machine.set_resizes_live_only_on(0);
    }
    void leave_tree(u32 cpu)
    {
        const PhysAddr reserved = *this->bench.env.allocate();
        this->bench.machine.set_root(cpu, reserved);
    }
    u64 pages() const { return this->bench.machine.pages_in_use(); }

    // Expects on CPU 0 the translations of SetUp().
    void expect_translations()
    {
        const auto expect = [this](VirtAddr at, std::optional<PhysAddr> to, Attributes attributes = {}) {
            const Outcome got = this->bench.machine.access(0, at);
            EXPECT_EQ(got.address, to);
            if (to)
                EXPECT_TRUE(got.attributes == attributes);
        };
        for (const Bytes offset :
             {Bytes{0}, kBlock - Bytes{8}, kBlock * 2 + kPage, kBlock * 3, kWritable.size - kPage})
            expect(kAt + offset, kMemory + offset, mm::kData);
        expect(kWritable.end(), std::nullopt);
        expect(kReadOnly.base + kPage, kMemory + kBlock * 5 + kPage, mm::kReadOnlyData);
        expect(kReadOnly.end(), std::nullopt);
    }
    bool is_a_page(VirtAddr at) { return this->bench.engine.walk(at).reach() == kPage; }

    Painter painter{this->bench.root, this->bench.env};
};
TYPED_TEST_SUITE(PagePainterTest, AllGeometries);

// The tree of SimulatedTables allows live changes only where all CPUs do, so these tests say what is right.
template <class G>
struct AloneOnTree : SimulatedTables<G> {
    using SimulatedTables<G>::SimulatedTables;
    static bool resizes_live() { return true; }
};

TYPED_TEST(PagePainterTest, MakesEveryLeafAPageThatMapsTheSame)
{
    using Fixture = TestFixture;
    AloneOnTree<TypeParam> env{this->bench.machine};
    mm::PagePainter<TypeParam, SimulatedPte, AloneOnTree<TypeParam>> painter{this->bench.root, env};
    this->leave_tree(1);
    const u64 count = painter.count_blocks(Fixture::kAll);
    EXPECT_EQ(count, 4u);
    std::vector<PhysAddr> tables(count);
    ASSERT_TRUE(painter.prepare(Fixture::kAll, tables));
    this->expect_translations();
    EXPECT_FALSE(this->is_a_page(Fixture::kAt));
    {
        mm::TlbBatch<TypeParam, AloneOnTree<TypeParam>> batch{env};
        painter.paint(Fixture::kAll, tables, batch);
    }
    this->expect_translations();
    for (const VirtRange range : {Fixture::kWritable, Fixture::kReadOnly}) {
        for (VirtAddr at = range.base; range.contains(at); at += Fixture::kQuarter)
            EXPECT_TRUE(this->is_a_page(at));
        EXPECT_TRUE(this->is_a_page(range.end() - Fixture::kPage));
    }
    EXPECT_EQ(painter.count_blocks(Fixture::kAll), 0u);
}

TYPED_TEST(PagePainterTest, AnotherCpuThatUsesTheTreeWouldSeeTwoSizes)
{
    AloneOnTree<TypeParam> env{this->bench.machine};
    mm::PagePainter<TypeParam, SimulatedPte, AloneOnTree<TypeParam>> painter{this->bench.root, env};
    std::vector<PhysAddr> tables(4);
    ASSERT_TRUE(painter.prepare(TestFixture::kAll, tables));
    {
        mm::TlbBatch<TypeParam, AloneOnTree<TypeParam>> batch{env};
        painter.paint(TestFixture::kAll, tables, batch);
    }
    EXPECT_FALSE(this->bench.machine.take_violations().empty());
}

TYPED_TEST(PagePainterTest, ARangeIsWidenedToWholeLeavesAndRuns)
{
    using Fixture = TestFixture;
    const VirtRange cut{Fixture::kAt + Fixture::kPage, Fixture::kBlock * 3};
    const VirtRange whole = this->painter.whole_leaves(cut);
    EXPECT_LE(whole.base, Fixture::kAt);
    EXPECT_EQ(whole.end(), Fixture::kAt + Fixture::kBlock * 3 + Fixture::kRunOfPages);
    const VirtRange none{Fixture::kWritable.end(), Fixture::kPage};
    EXPECT_EQ(this->painter.whole_leaves(none).base, none.base);
    EXPECT_EQ(this->painter.whole_leaves(none).size, none.size);
}

TYPED_TEST(PagePainterTest, WithoutMemoryAtAnyStepNothingIsLeft)
{
    const u64 before = this->pages();
    std::vector<PhysAddr> tables(4);
    for (u64 successes = 0; successes < 4; ++successes) {
        this->bench.env.fail_after(successes);
        EXPECT_FALSE(this->painter.prepare(TestFixture::kAll, tables));
        EXPECT_EQ(this->pages(), before);
    }
    this->bench.env.fail_after(4);
    ASSERT_TRUE(this->painter.prepare(TestFixture::kAll, tables));
    this->painter.discard(TestFixture::kAll, tables);
    EXPECT_EQ(this->pages(), before);
    this->expect_translations();
}

// Blocks of the level above become tables of tables. One geometry has such blocks without 52-bit addresses.
TEST(PagePainterOfLargeBlocksTest, ABlockOfBlocksBecomesTablesOfPagesOrNothing)
{
    using G = mm::Geometry4k48;
    constexpr Bytes kLarge = G::entry_size(Level{1});
    Bench<G> bench{Tables::Private, 600};
    ASSERT_TRUE(bench.engine.map({kRegion<G>, kLarge}, kMemory, mm::kData));
    ASSERT_EQ(bench.engine.walk(kRegion<G>).level, Level{1});
    bench.machine.set_resizes_live(true);
    mm::PagePainter<G, SimulatedPte, SimulatedTables<G>> painter{bench.root, bench.env};
    const u64 before = bench.machine.pages_in_use();
    PhysAddr table{};
    for (const u64 successes : {u64{0}, u64{1}, u64{2}, u64{512}}) {
        bench.env.fail_after(successes);
        EXPECT_FALSE(painter.prepare({kRegion<G>, kLarge}, {&table, 1}));
        EXPECT_EQ(bench.machine.pages_in_use(), before);
    }
    bench.env.never_fail();
    ASSERT_TRUE(painter.prepare({kRegion<G>, kLarge}, {&table, 1}));
    {
        mm::TlbBatch<G, SimulatedTables<G>> batch{bench.env};
        painter.paint({kRegion<G>, kLarge}, {&table, 1}, batch);
    }
    for (Bytes offset{0}; offset < kLarge; offset = offset + Bytes{kLarge.count() / 8}) {
        bench.expect(kRegion<G> + offset, kMemory + offset, mm::kData);
        EXPECT_EQ(bench.engine.walk(kRegion<G> + offset).reach(), G::kPageSize);
    }
    bench.expect_clean();
}

} // namespace
} // namespace percival::testing
