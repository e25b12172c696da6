// SPDX-License-Identifier: BSD-2-Clause
// Lets each allocation of each change fail once, in every geometry: the first one, then the second one, until
// the change succeeds. A change that failed has left every word of every table, and the count of pages, as
// they were.
#include "set_memory/set_memory_bed.hpp"

#include <map>
#include <vector>

namespace percival::testing {
namespace {

using enum mm::MemoryChange;
using mm::Breaks;
using mm::MemoryChange;
using mm::SetMemoryError;

template <class G>
class OutOfMemoryTest : public SetMemoryBed<G> {
protected:
    using Base = SetMemoryBed<G>;
    using Base::bench;
    using Base::kBlockLevel;
    using Words = std::map<u64, std::vector<u64>>; // of each table, by its address

    // Returns the level of the largest block.
    static Level top_level()
    {
        const Level above = kBlockLevel.up();
        return above >= G::kRootLevel && G::block_allowed(above) ? above : kBlockLevel;
    }

    // Makes the change again and again, with one allocation more each time, and expects it to succeed when it
    // can make `tables`, not before.
    void expect_needs(u64 tables, VirtRange range, MemoryChange what, Breaks breaks = Breaks::Never)
    {
        const Words before = words();
        const u64 pages = bench.machine.pages_in_use();
        const u64 invalidations = mm::tlb_statistics.invalidations;
        for (u64 allocations = 0; allocations < tables; ++allocations) {
            const auto result = change(range, what, breaks, allocations);
            ASSERT_FALSE(result.has_value()) << "with " << allocations << " allocations";
            EXPECT_EQ(static_cast<int>(result.error()), static_cast<int>(SetMemoryError::NoMemory));
            EXPECT_EQ(bench.machine.pages_in_use(), pages);
            EXPECT_EQ(mm::tlb_statistics.invalidations, invalidations);
            EXPECT_TRUE(words() == before) << "with " << allocations << " allocations";
            bench.expect_clean();
        }
        EXPECT_TRUE(change(range, what, breaks, tables).has_value());
        EXPECT_EQ(bench.machine.pages_in_use(), pages + tables);
        bench.expect_clean();
    }

    // As set_memory(), while only `allocations` succeed.
    auto change(VirtRange range, MemoryChange what, Breaks breaks, u64 allocations)
    {
        bench.env.fail_after(allocations);
        typename Base::Stock stock{bench.env};
        typename Base::Tables env{stock, mm::Refills::Allowed};
        const auto result =
            mm::MemoryEditor<G, SimulatedPte, typename Base::Tables>{bench.root, env, breaks}.change(range,
                                                                                                     what);
        bench.env.never_fail();
        return result;
    }

private:
    Words words()
    {
        Words found;
        add_words(found, bench.root, G::kRootLevel);
        return found;
    }
    void add_words(Words& found, PhysAddr table, Level level)
    {
        const u64* entries = bench.machine.pointer(table);
        found[table.raw()].assign(entries, entries + G::entries(level));
        for (u64 n = 0; n < G::entries(level); ++n) {
            const SimulatedPte pte{entries[n]};
            if (!level.is_last() && pte.kind(level) == mm::PteKind::Table)
                add_words(found, pte.address(), level.down());
        }
    }
};
TYPED_TEST_SUITE(OutOfMemoryTest, AllGeometries);

TYPED_TEST(OutOfMemoryTest, APageInABlockNeedsATable)
{
    USE_ENGINE_TEST;
    this->map(kBlock * 3);
    this->expect_needs(1, {kAt, kPage}, ReadOnly);
    this->expect_needs(1, {kAt + kBlock + kPageRun + kPage, kPage}, Invalid);
    this->expect_needs(1, {kAt + (kBlock * 3 - kPage), kPage}, ReadOnly);
    this->expect_needs(0, {kAt + kPage, kPage}, ReadOnly);
    this->expect(kAt, mm::kReadOnlyData);
    this->expect(kAt + kPage, mm::kReadOnlyData);
    this->expect(kAt + kPage * 2, mm::kData);
}

TYPED_TEST(OutOfMemoryTest, PagesInTheSameBlockNeedOneTable)
{
    USE_ENGINE_TEST;
    this->map(kBlock * 3);
    this->expect_needs(1, {kAt + kPage, kPage * 2}, ReadOnly);
    this->expect_needs(1, {kAt + (kBlock * 2 - kPageRun * 2), kPageRun + kPage}, Invalid);
    this->expect(kAt + kPage * 2, mm::kReadOnlyData);
    this->expect(kAt + kPage * 3, mm::kData);
}

TYPED_TEST(OutOfMemoryTest, AChangeThatIsRefusedAsksForNoTable)
{
    USE_ENGINE_TEST;
    this->map(kBlock);
    for (const Bytes size : {kPage, kPage * 2}) {
        const auto result = this->change({kAt + kPage, size}, Executable, Breaks::Never, 0);
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(static_cast<int>(result.error()), static_cast<int>(SetMemoryError::WriteAndExecute));
    }
}

TYPED_TEST(OutOfMemoryTest, TablesThatWereSetAsideAreNotAddedTo)
{
    USE_ENGINE_TEST;
    this->map(kBlock);
    for (const Bytes size : {kPage, kPage * 2}) {
        const auto result = SetMemoryBed<TypeParam>::change({kAt + kPage, size}, ReadOnly, Breaks::Never, 0);
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(static_cast<int>(result.error()), static_cast<int>(SetMemoryError::NoMemory));
    }
}

TYPED_TEST(OutOfMemoryTest, ARangeOverSeveralBlocksNeedsATableAtEachEndThatCutsABlock)
{
    USE_ENGINE_TEST;
    this->map(kBlock * 8);
    this->expect_needs(2, {kAt + kPage, kBlock * 2}, ReadOnly);
    this->expect_needs(1, {kAt + kBlock * 3, kBlock + kPageRun}, ReadOnly);
    this->expect_needs(1, {kAt + (kBlock * 6 - kPage), kBlock + kPage}, ReadOnly);
    for (const VirtAddr changed : {kAt + kPage, kAt + kBlock, kAt + kBlock * 2, kAt + (kBlock * 6 - kPage)})
        this->expect(changed, mm::kReadOnlyData);
    for (const VirtAddr kept : {kAt, kAt + (kBlock * 2 + kPage), kAt + kBlock * 7})
        this->expect(kept, mm::kData);
}

TYPED_TEST(OutOfMemoryTest, WholeBlocksNeedNone)
{
    USE_ENGINE_TEST;
    this->map(kBlockRun + kBlock + kPageRun + kPage);
    this->expect_needs(0, {kAt, kBlockRun + kBlock + kPageRun + kPage}, ReadOnly);
    this->expect_needs(0, {kAt + kBlock, kBlock}, Executable);
    this->expect(kAt, mm::kReadOnlyData);
}

TYPED_TEST(OutOfMemoryTest, APageInABlockOfTheHighestLevelNeedsATableForEachLevelBelow)
{
    USE_ENGINE_TEST;
    const Level top = this->top_level();
    const u64 levels = static_cast<u64>(mm::kLastLevel.number() - top.number());
    const Bytes size = TypeParam::entry_size(top);
    this->map(size * 2);
    // With two levels below, the ends cut the same block of the highest level and different ones below it.
    const VirtRange inside =
        levels == 1 ? VirtRange{kAt + kPage, kPage} : VirtRange{kAt + (kBlock - kPage), kPage * 2};
    this->expect_needs(levels == 1 ? 1 : levels + 1, inside, Invalid);
    bench.expect(inside.base, std::nullopt);
    this->expect(kAt, mm::kData);
    this->expect(kAt + (size - kPage), mm::kData);
    this->expect_needs(levels, {kAt + size, kPage}, ReadOnly);
}

TYPED_TEST(OutOfMemoryTest, ABlockMadeInvalidNeedsATableToo)
{
    USE_ENGINE_TEST;
    this->map(kBlock * 2);
    this->expect_needs(0, {kAt, kBlock * 2}, Invalid);
    this->expect_needs(2, {kAt + kPage, kBlock}, Valid);
    bench.expect(kAt, std::nullopt);
    this->expect(kAt + kPage, mm::kData);
    bench.expect(kAt + (kBlock + kPage), std::nullopt);
}

TYPED_TEST(OutOfMemoryTest, AnAreaOfVmallocNeedsTheSameWhereLeavesAreBroken)
{
    USE_ENGINE_TEST;
    bench.machine.set_resizes_live(false);
    this->map(kBlock * 2 + kPageRun);
    this->expect_needs(2, {kAt + kPage, kBlock}, ReadOnly, Breaks::Allowed);
    this->expect_needs(0, {kAt + kBlock * 2, kPage}, Invalid, Breaks::Allowed);
    this->expect(kAt, mm::kData);
    this->expect(kAt + kPage, mm::kReadOnlyData);
    this->expect(kAt + kBlock, mm::kReadOnlyData);
}

} // namespace
} // namespace percival::testing
