// SPDX-License-Identifier: BSD-2-Clause
// Tests adding entries to roots in use, in every layout: which roots get them, which entries are left alone,
// and which requests are refused.
#include "tests/host/support/simulated_roots.hpp"

namespace percival::testing {
namespace {

template <class G>
class RootSyncTest : public ::testing::Test {
protected:
    using Layout = mm::Layout<G>;
    using Pte = SimulatedPte;
    using Roots = SimulatedRoots<G>;
    static constexpr u32 kRunning = 2, kPossible = 3;
    static constexpr VirtRange kWindow = Layout::kLocalPercpu;
    static constexpr Level kLevel = Layout::kPrivateLevel;
    static constexpr Bytes kStep = G::entry_size(kLevel);
    static constexpr Bytes kPage = G::kPageSize;

    void TearDown() override
    {
        expect_windows_untouched();
        expect_clean(machine);
    }

    const Pte* master(Level level) { return env.table(roots.master_table(level)); }
    Pte* own(u32 cpu, Level level) { return env.table(roots.private_table(CpuId{cpu}, level)); }

    void expect_windows_untouched()
    {
        const u64 first = Roots::window_index(kLevel);
        for (u64 n = 0; n < Layout::kWindowEntries; ++n) {
            EXPECT_EQ(master(kLevel)[first + n], Pte{});
            for (u32 cpu = 0; cpu < kPossible; ++cpu)
                EXPECT_EQ(own(cpu, kLevel)[first + n], Roots::window_entry(CpuId{cpu}, n));
        }
        for (Level level = G::kRootLevel; level < kLevel; level = level.down()) {
            const u64 path = Roots::window_index(level);
            EXPECT_EQ(master(level)[path], Pte::table(roots.master_table(level.down())));
            for (u32 cpu = 0; cpu < kPossible; ++cpu)
                EXPECT_EQ(own(cpu, level)[path], Pte::table(roots.private_table(CpuId{cpu}, level.down())));
        }
    }

    // Returns the number of entries that were made in the master's private tables. Expects that all CPUs have
    // the same.
    u64 entries_made()
    {
        u64 made = 0;
        for (Level level = G::kRootLevel; level <= kLevel; level = level.down()) {
            for (u64 index = 0; index < G::entries(level); ++index) {
                const Pte entry = master(level)[index];
                const bool leads_to_window = level != kLevel && index == Roots::window_index(level);
                if (entry == Pte{} || leads_to_window)
                    continue;
                ++made;
                EXPECT_EQ(entry.kind(level), mm::PteKind::Table);
                for (u32 cpu = 0; cpu < kPossible; ++cpu)
                    EXPECT_EQ(own(cpu, level)[index], entry);
            }
        }
        return made;
    }
    auto sync_and_count(VirtRange range)
    {
        EXPECT_TRUE(sync.sync(range).has_value());
        return entries_made();
    }

    SimulatedMachine<G> machine{kRunning, 64};
    SimulatedTables<G> env{machine};
    Roots roots{machine, env, kRunning, kPossible};
    mm::RootSync<G, Pte, Roots> sync{roots};
};
TYPED_TEST_SUITE(RootSyncTest, AllGeometries);

// Gives a typed test short names: in a typed test, names of the fixture depend on its parameter.
#define USE_FIXTURE                                                      \
    [[maybe_unused]] constexpr VirtRange kWindow = TestFixture::kWindow; \
    [[maybe_unused]] constexpr Bytes kStep = TestFixture::kStep;         \
    [[maybe_unused]] constexpr Bytes kPage = TestFixture::kPage;         \
    [[maybe_unused]] constexpr auto kLevel = TestFixture::kLevel;        \
    [[maybe_unused]] auto& roots = this->roots;                          \
    [[maybe_unused]] auto& machine = this->machine;                      \
    [[maybe_unused]] auto& env = this->env

TYPED_TEST(RootSyncTest, EveryCpuSeesALaterMappingUnderTheEntry)
{
    USE_FIXTURE;
    const VirtAddr at = TypeParam::kKernelBase; // does not lead to the window
    EXPECT_EQ(this->sync_and_count({at, kPage}), 1u);
    mm::PageTable<TypeParam, SimulatedPte, SimulatedTables<TypeParam>> engine{
        roots.master_table(TypeParam::kRootLevel), env};
    EXPECT_TRUE(engine.map({at, kPage}, kMemory, mm::kData));
    machine.synchronize(1);
    for (u32 cpu = 0; cpu < this->kRunning; ++cpu)
        EXPECT_EQ(machine.access(cpu, at).address, kMemory);
}

TYPED_TEST(RootSyncTest, APossibleCpuThatIsOfflineGetsTheEntryToo)
{
    USE_FIXTURE;
    constexpr Level kRoot = TypeParam::kRootLevel;
    EXPECT_TRUE(this->sync.sync({TypeParam::kKernelBase, kPage}).has_value());
    EXPECT_EQ(this->own(this->kPossible - 1, kRoot)[0], this->master(kRoot)[0]);
    EXPECT_EQ(this->master(kRoot)[0].kind(kRoot), mm::PteKind::Table);
}

TYPED_TEST(RootSyncTest, AllEntriesArePublishedWhenSyncReturns)
{
    USE_FIXTURE;
    EXPECT_TRUE(this->sync.sync({TypeParam::kKernelBase, kPage}).has_value());
    machine.expect_settled();
    EXPECT_TRUE(machine.take_violations().empty());
}

TYPED_TEST(RootSyncTest, ExistingEntriesAreNotWrittenAgain)
{
    USE_FIXTURE;
    EXPECT_EQ(this->sync_and_count({TypeParam::kKernelBase, kPage}), 1u);
    const u64 writes = roots.writes;
    EXPECT_EQ(this->sync_and_count({TypeParam::kKernelBase, kPage}), 1u);
    EXPECT_EQ(roots.writes, writes);
}

TYPED_TEST(RootSyncTest, TheWindowAndEveryPartOfItAreLeftAlone)
{
    USE_FIXTURE;
    const VirtAddr end = kWindow.end();
    EXPECT_EQ(this->sync_and_count(kWindow), 0u);
    EXPECT_EQ(this->sync_and_count({kWindow.base, kPage}), 0u);
    EXPECT_EQ(this->sync_and_count({kWindow.base + kPage, kPage}), 0u);
    EXPECT_EQ(this->sync_and_count({end - kPage, kPage}), 0u); // ends exactly where the window ends
    EXPECT_EQ(this->sync_and_count({kWindow.base + kPage, (end - kWindow.base) - kPage}), 0u);
    EXPECT_EQ(roots.writes, 0u);
}

TYPED_TEST(RootSyncTest, ARangeAcrossTheStartOfTheWindowGetsEntriesOnlyBeforeIt)
{
    USE_FIXTURE;
    EXPECT_EQ(this->sync_and_count({kWindow.base - kPage, kPage * 2}), 1u);
    const u64 before = SimulatedRoots<TypeParam>::window_index(kLevel) - 1;
    EXPECT_EQ(this->own(0, kLevel)[before].kind(kLevel), mm::PteKind::Table);
}

TYPED_TEST(RootSyncTest, ARangeAcrossTheEndOfTheWindowGetsEntriesOnlyBehindIt)
{
    USE_FIXTURE;
    // The window is at the end of its private table, so the entry behind it is in the table above. Where the
    // root is the private table, it is the next entry of the root.
    EXPECT_EQ(this->sync_and_count({kWindow.end() - kPage, kPage * 2}), 1u);
}

TYPED_TEST(RootSyncTest, ARangeAroundTheWindowGetsEntriesOnlyOutsideIt)
{
    USE_FIXTURE;
    EXPECT_EQ(this->sync_and_count({kWindow.base - kStep, kStep * 2 + kWindow.size}), 2u);
}

TYPED_TEST(RootSyncTest, ARangeUpToTheEndOfTheAddressSpaceGetsItsLastEntry)
{
    USE_FIXTURE;
    constexpr Level kRoot = TypeParam::kRootLevel;
    const VirtRange top{VirtAddr{0} - kPage, kPage};
    const u64 last = TypeParam::entries(kRoot) - 1;
    const bool leads_to_window = last == SimulatedRoots<TypeParam>::window_index(kRoot);
    EXPECT_GE(this->sync_and_count(top), leads_to_window ? 0u : 1u);
    EXPECT_NE(this->own(1, kRoot)[last], SimulatedPte{});
}

TYPED_TEST(RootSyncTest, AForeignEntryIsReportedAndNotChanged)
{
    USE_FIXTURE;
    constexpr Level kRoot = TypeParam::kRootLevel;
    const SimulatedPte foreign = SimulatedPte::table(*env.allocate());
    env.store(this->own(1, kRoot), foreign);
    env.publish();
    EXPECT_EQ(this->sync.sync({TypeParam::kKernelBase, kPage}).error(), mm::RootSyncError::Differs);
    EXPECT_EQ(this->own(1, kRoot)[0], foreign);
}

TYPED_TEST(RootSyncTest, ABlockInTheMasterIsNotCopied)
{
    USE_FIXTURE;
    const u64 index = SimulatedRoots<TypeParam>::window_index(kLevel) - 1;
    const VirtAddr at = kWindow.base - kStep;
    env.store(env.table(roots.master_table(kLevel)) + index, SimulatedPte::leaf(kMemory, kLevel, mm::kData));
    env.publish();
    EXPECT_EQ(this->sync.sync({at, kPage}).error(), mm::RootSyncError::Occupied);
    EXPECT_EQ(roots.writes, 0u);
}

TYPED_TEST(RootSyncTest, NothingIsMadeWithoutMemoryAndARetrySucceeds)
{
    USE_FIXTURE;
    env.fail_after(0);
    EXPECT_EQ(this->sync.sync({TypeParam::kKernelBase, kPage}).error(), mm::RootSyncError::NoMemory);
    EXPECT_EQ(this->entries_made(), 0u);
    env.never_fail();
    EXPECT_EQ(this->sync_and_count({TypeParam::kKernelBase, kPage}), 1u);
}

} // namespace
} // namespace percival::testing
