// SPDX-License-Identifier: BSD-2-Clause
// What the simulated machine allows and forbids, in the shapes of litmus tests. The machine returns
// everything that an access may get, so an outcome is allowed if it is among the results, and forbidden if it
// is not. Flags order the two CPUs, so each test needs one order of steps only.
#include "tests/host/support/simulated_tables.hpp"

namespace percival::testing {
namespace {

using G = mm::Geometry4k39;
using Pte = SimulatedPte;
using arch::Access;
using arch::Shareability;
using arch::TlbEntries;
using arch::TlbScope;
using Machine = SimulatedMachine<G>;
using Taking = Machine::Taking;

constexpr VirtAddr kAt = G::kKernelBase;
constexpr Bytes kPage = G::kPageSize;

template <Access A>
void dsb_ish()
{
    arch::dsb<Shareability::InnerShareable, A>();
}
void tlbi(VirtAddr at = kAt)
{
    arch::tlbi_page<TlbScope::AllCpus>(at, TlbEntries::Leaves);
}
Pte page(PhysAddr to = kMemory, Attributes attributes = mm::kData)
{
    return Pte::leaf(to, mm::kLastLevel, attributes);
}

// Two CPUs on one root, with tables for the first addresses. CPU 0 takes the next steps.
struct LitmusTest : ::testing::Test {
    LitmusTest()
    {
        machine.set_root(0, root);
        machine.set_root(1, root);
        PhysAddr above = root;
        for (Level level = G::kRootLevel; !level.is_last(); level = level.down()) {
            const PhysAddr below = *env.allocate();
            env.store(env.table(above), Pte::table(below));
            above = below;
        }
        last = above;
        env.publish();
        machine.synchronize(1);
    }

    Pte* slot(u64 n = 0) { return env.table(last) + n; }
    void store(Pte pte, u64 n = 0) { env.store(slot(n), pte); }
    // Puts an entry there that all CPUs know and may have in their TLBs.
    void begin_with(Pte pte, u64 n = 0)
    {
        store(pte, n);
        env.publish();
        machine.synchronize(1);
    }
    void see(u64 n = 0) { static_cast<void>(mm::load_descriptor(slot(n))); }
    // CPU 0 sets the flag, and CPU 1 takes it and goes on.
    void tell(Taking taking)
    {
        machine.release(&flag);
        machine.execute_on(1);
        machine.acquire(&flag, taking);
    }
    void flush()
    {
        dsb_ish<Access::Store>();
        tlbi();
        dsb_ish<Access::Any>();
        arch::isb();
    }

    bool may_fault(u32 cpu, VirtAddr at = kAt) { return may_get(cpu, std::nullopt, at); }
    bool may_get(u32 cpu, std::optional<PhysAddr> to, VirtAddr at = kAt)
    {
        return std::ranges::any_of(machine.outcomes(cpu, at),
                                   [to](const Outcome& outcome) { return outcome.address == to; });
    }
    bool is_refused() { return !machine.take_violations().empty(); }

    Machine machine{2, 16};
    SimulatedTables<G> env{machine};
    PhysAddr root = *env.allocate();
    PhysAddr last{};
    int flag{0};
};

TEST_F(LitmusTest, OwnStoreThenDsbIshstAndIsbForbidsAFault)
{
    store(page());
    dsb_ish<Access::Store>();
    arch::isb();
    EXPECT_FALSE(may_fault(0));
}

TEST_F(LitmusTest, OwnStoreThenDsbIshstWithoutIsbAllowsAFaultOnlyBeforeEts2)
{
    store(page());
    dsb_ish<Access::Store>();
    EXPECT_TRUE(may_fault(0));
    machine.set_ets2(true);
    store(page(kMemory + kPage), 1);
    dsb_ish<Access::Store>();
    EXPECT_FALSE(may_fault(0, kAt + kPage));
}

TEST_F(LitmusTest, StoreSeenByALoadThenDsbIshstAndIsbAllowsAFault)
{
    store(page());
    machine.execute_on(1);
    see();
    dsb_ish<Access::Store>();
    arch::isb();
    EXPECT_TRUE(may_fault(1));
}

TEST_F(LitmusTest, StoreSeenByALoadThenDsbThatWaitsForLoadsAndIsbForbidsAFault)
{
    store(page(), 0);
    store(page(kMemory + kPage), 1);
    machine.execute_on(1);
    see(0);
    dsb_ish<Access::Load>();
    arch::isb();
    EXPECT_FALSE(may_fault(1));
    see(1);
    dsb_ish<Access::Any>();
    arch::isb();
    EXPECT_FALSE(may_fault(1, kAt + kPage));
}

TEST_F(LitmusTest, StoreSeenByALoadThenADependentStoreBeforeDsbIshstForbidsAFault)
{
    const PhysAddr table = *env.allocate();
    const VirtAddr at = kAt + G::entry_size(G::kRootLevel);
    env.store(env.table(table), Pte::table(last)); // the same pages once more
    env.publish();
    begin_with(page());
    Pte* link = env.table(root) + 1;
    env.store(link, Pte::table(table));
    machine.execute_on(1);
    const PhysAddr seen = mm::load_descriptor(link).address();
    dsb_ish<Access::Store>();
    arch::isb();
    EXPECT_TRUE(may_fault(1, at)); // not yet
    env.store(env.table(seen) + 1, Pte::table(last));
    dsb_ish<Access::Store>();
    arch::isb();
    EXPECT_FALSE(may_fault(1, at));
}

TEST_F(LitmusTest, ReaderThatWasToldMayFaultOnceBeforeEts2)
{
    store(page());
    dsb_ish<Access::Store>();
    arch::isb();
    tell(Taking::Load);
    EXPECT_TRUE(may_fault(1));
    arch::isb();
    EXPECT_TRUE(may_fault(1)); // an ISB alone is not enough for certain
    dsb_ish<Access::Any>();
    EXPECT_TRUE(may_fault(1));
    arch::isb();
    EXPECT_FALSE(may_fault(1));
}

TEST_F(LitmusTest, ReaderThatWasToldDoesNotFaultWithEts2)
{
    machine.set_ets2(true);
    store(page());
    dsb_ish<Access::Store>();
    arch::isb();
    tell(Taking::Load);
    EXPECT_FALSE(may_fault(1));
}

TEST_F(LitmusTest, LinkAfterADmbForbidsOldLeavesInTheTableAndWithoutItAllowsThem)
{
    const auto link_a_new_table = [&](bool has_dmb, u64 index) {
        const PhysAddr table = *machine.allocate_page();
        arch::zero_table(machine.pointer(table), kPage);
        if (has_dmb)
            arch::dmb<Shareability::InnerShareable, Access::Store>();
        env.store(env.table(root) + index, Pte::table(table));
    };
    link_a_new_table(true, 1);
    EXPECT_FALSE(is_refused());
    link_a_new_table(false, 2);
    EXPECT_TRUE(is_refused());
}

TEST_F(LitmusTest, WholeFlushForbidsOwnAccess)
{
    begin_with(page());
    store(Pte{});
    flush();
    EXPECT_FALSE(may_get(0, kMemory));
}

TEST_F(LitmusTest, FlushWithoutTheLastIsbAllowsOwnAccessOnlyBeforeEts2)
{
    for (const bool ets2 : {false, true}) {
        machine.set_ets2(ets2);
        machine.execute_on(0);
        begin_with(page());
        store(Pte{});
        dsb_ish<Access::Store>();
        tlbi();
        dsb_ish<Access::Any>();
        EXPECT_EQ(may_get(0, kMemory), !ets2);
        arch::isb();
        machine.synchronize(1);
    }
}

TEST_F(LitmusTest, OtherCpuMayGetTheOldPageUntilItIsTold)
{
    begin_with(page());
    store(Pte{});
    flush();
    EXPECT_TRUE(may_get(1, kMemory));
    tell(Taking::Load);
    EXPECT_FALSE(may_get(1, kMemory));
}

TEST_F(LitmusTest, FlushWhoseLastDsbWaitsForLoadsOrStoresOnlyAllowsAccess)
{
    begin_with(page());
    store(Pte{});
    dsb_ish<Access::Store>();
    tlbi();
    dsb_ish<Access::Store>();
    dsb_ish<Access::Load>();
    arch::isb();
    EXPECT_TRUE(may_get(0, kMemory));
}

TEST_F(LitmusTest, FlushWithALocalTlbiAllowsAccessByTheOtherCpu)
{
    begin_with(page());
    store(Pte{});
    dsb_ish<Access::Store>();
    arch::tlbi_page<TlbScope::ThisCpu>(kAt, TlbEntries::Leaves);
    dsb_ish<Access::Any>();
    arch::isb();
    tell(Taking::Load);
    machine.synchronize(1);
    EXPECT_TRUE(may_get(1, kMemory));
}

TEST_F(LitmusTest, ATlbiIsCompletedOnlyByADsbOfTheCpuThatIssuedIt)
{
    begin_with(page());
    store(Pte{});
    dsb_ish<Access::Store>();
    tlbi();
    machine.execute_on(1);
    dsb_ish<Access::Any>();
    arch::isb();
    EXPECT_TRUE(may_get(1, kMemory));
    machine.execute_on(0);
    dsb_ish<Access::Any>();
    arch::isb();
    machine.synchronize(1);
    EXPECT_FALSE(may_get(1, kMemory));
}

TEST_F(LitmusTest, FlushWithADmbForTheFirstDsbAllowsAccess)
{
    begin_with(page());
    store(Pte{});
    arch::dmb<Shareability::InnerShareable>();
    tlbi();
    dsb_ish<Access::Any>();
    arch::isb();
    EXPECT_TRUE(may_get(0, kMemory));
}

TEST_F(LitmusTest, AnothersClearSeenByALoadThenDsbIshstAndAFlushAllowsAccess)
{
    begin_with(page());
    store(Pte{});
    machine.execute_on(1);
    see();
    flush();
    machine.synchronize(1);
    EXPECT_TRUE(may_get(1, kMemory));
}

TEST_F(LitmusTest, AnothersClearSeenByALoadThenDsbThatWaitsForLoadsAndAFlushForbidsAccess)
{
    begin_with(page());
    store(Pte{});
    machine.execute_on(1);
    see();
    dsb_ish<Access::Load>();
    tlbi();
    dsb_ish<Access::Any>();
    arch::isb();
    EXPECT_FALSE(may_get(1, kMemory));
}

TEST_F(LitmusTest, AFlagTakenByAnExchangePassesTheClearOnToAFlushWithDsbIshst)
{
    begin_with(page());
    store(Pte{});
    tell(Taking::Exchange);
    flush();
    EXPECT_FALSE(may_get(1, kMemory));
}

TEST_F(LitmusTest, AFlagTakenByALoadPassesTheClearOnOnlyToAFlushWithDsbIsh)
{
    begin_with(page());
    store(Pte{});
    tell(Taking::Load);
    flush();
    EXPECT_TRUE(may_get(1, kMemory));
    dsb_ish<Access::Any>();
    tlbi();
    dsb_ish<Access::Any>();
    arch::isb();
    EXPECT_FALSE(may_get(1, kMemory));
}

TEST_F(LitmusTest, ABatchFlushesForAnotherCpuWhoseClearItHasOnlySeen)
{
    begin_with(page());
    store(Pte{});
    tell(Taking::Load);
    mm::TlbBatch<G, SimulatedTables<G>> batch{env};
    batch.add_leaves({kAt, kPage}, kPage);
    batch.flush();
    EXPECT_FALSE(may_get(1, kMemory));
    machine.reuse_memory({kMemory, kPage});
    EXPECT_FALSE(is_refused());
}

TEST_F(LitmusTest, AnEntryThatNobodyHasUsedAllowsAccessUntilItIsInvalidated)
{
    begin_with(page());
    store(Pte{});
    env.publish();
    machine.synchronize(0);
    machine.synchronize(1);
    EXPECT_TRUE(may_get(0, kMemory));
    EXPECT_TRUE(may_get(1, kMemory));
}

TEST_F(LitmusTest, BreakBeforeMakeGivesTheOldPageOrAFaultDuringTheBreakAndForbidsTheOldOneAfterwards)
{
    begin_with(page());
    store(Pte{});
    EXPECT_TRUE(may_get(1, kMemory));
    EXPECT_TRUE(may_fault(1));
    flush();
    store(page(kMemory + kPage));
    env.publish();
    EXPECT_FALSE(is_refused());
    tell(Taking::Load);
    EXPECT_TRUE(may_get(1, kMemory + kPage));
    EXPECT_FALSE(may_get(1, kMemory));
}

TEST_F(LitmusTest, WithoutTheBreakOrItsTlbiTheOldPageIsAllowedAfterTheNewOne)
{
    begin_with(page(), 0);
    begin_with(page(kMemory + kPage), 1);
    store(page(kMemory + kPage * 2), 0); // no break
    EXPECT_TRUE(is_refused());
    store(Pte{}, 1);
    env.publish();
    store(page(kMemory + kPage * 3), 1); // no TLBI
    EXPECT_TRUE(is_refused());
    env.publish();
    tell(Taking::Load);
    machine.synchronize(1);
    EXPECT_TRUE(may_get(1, kMemory));
    EXPECT_TRUE(may_get(1, kMemory + kPage * 2));
    EXPECT_TRUE(may_get(1, kMemory + kPage, kAt + kPage));
    EXPECT_TRUE(may_get(1, kMemory + kPage * 3, kAt + kPage));
}

TEST_F(LitmusTest, MadeReadOnlyInPlaceThenFlushedAndToldForbidsAWrite)
{
    const auto may_write = [this] {
        return std::ranges::any_of(machine.outcomes(1, kAt), [](const Outcome& outcome) {
            return outcome.attributes.protection == mm::Protection::ReadWrite;
        });
    };
    begin_with(page());
    store(page(kMemory, mm::kReadOnlyData));
    EXPECT_TRUE(may_write());
    flush();
    tell(Taking::Load);
    EXPECT_FALSE(may_write());
    EXPECT_FALSE(is_refused());
}

TEST_F(LitmusTest, BreakByClearingTheAccessFlagIsAsGoodAsInvalid)
{
    begin_with(page());
    store(page().without_access_flag());
    flush();
    store(page(kMemory + kPage));
    EXPECT_FALSE(is_refused());
    env.publish();
    tell(Taking::Load);
    EXPECT_FALSE(may_get(1, kMemory));
}

TEST_F(LitmusTest, BreakByClearingTheAccessFlagNeedsItsTlbiToo)
{
    begin_with(page());
    store(page().without_access_flag());
    env.publish();
    store(page(kMemory + kPage));
    EXPECT_TRUE(is_refused());
}

TEST_F(LitmusTest, AnotherOutputAddressNeedsABreakIfWritableOrIfTheContentsDiffer)
{
    const PhysAddr copy = kMemory + kPage, other = kMemory + kPage * 2;
    machine.copy_memory(kMemory, copy);
    begin_with(page(kMemory, mm::kReadOnlyData), 0);
    store(page(copy, mm::kReadOnlyData), 0);
    EXPECT_FALSE(is_refused());
    begin_with(page(kMemory, mm::kReadOnlyData), 1);
    store(page(copy, mm::kData), 1); // writable
    EXPECT_TRUE(is_refused());
    begin_with(page(kMemory, mm::kReadOnlyData), 2);
    store(page(other, mm::kReadOnlyData), 2); // other contents
    EXPECT_TRUE(is_refused());
}

TEST_F(LitmusTest, AnotherMemoryTypeShareabilityOrCacheabilityNeedsABreak)
{
    u64 n = 0;
    for (const Pte now : {page(kMemory, mm::kDeviceRegisters), page().with_other_shareability(),
                          page().with_other_cacheability()}) {
        begin_with(page(), n);
        store(now, n++);
        EXPECT_TRUE(is_refused());
    }
}

TEST_F(LitmusTest, AGlobalEntryOverANonGlobalOneNeedsABreakAndTheOtherWayDoesNot)
{
    begin_with(page().with_asid(), 0);
    store(page(), 0);
    EXPECT_TRUE(is_refused());
    begin_with(page(), 1);
    store(page().with_asid(), 1);
    EXPECT_FALSE(is_refused());
}

TEST_F(LitmusTest, TwoAliasesBrokenAndRemadeMayDisagreeOnACpuThatWasNotTold)
{
    const VirtAddr alias = kAt + kPage;
    begin_with(page(), 0);
    begin_with(page(), 1);
    store(Pte{}, 0);
    store(Pte{}, 1);
    dsb_ish<Access::Store>();
    tlbi(kAt);
    tlbi(alias);
    dsb_ish<Access::Any>();
    arch::isb();
    store(page(kMemory + kPage), 0);
    store(page(kMemory + kPage), 1);
    env.publish();
    EXPECT_FALSE(is_refused());
    EXPECT_TRUE(may_get(1, kMemory + kPage, kAt));
    EXPECT_TRUE(may_get(1, kMemory, alias)); // as older texts of the architecture allow
    tell(Taking::Load);
    EXPECT_FALSE(may_get(1, kMemory, alias));
}

TEST_F(LitmusTest, PageReusedAfterAFlushIsNotReachedThroughTheOldAddress)
{
    begin_with(page());
    store(Pte{});
    env.publish();
    machine.reuse_memory({kMemory, kPage});
    EXPECT_TRUE(is_refused());
    flush();
    machine.reuse_memory({kMemory, kPage});
    EXPECT_FALSE(is_refused());
    tell(Taking::Load);
    EXPECT_FALSE(may_get(1, kMemory));
}

// Changes of the root, by the steps of arch/arm64/mmu/trampoline.S. The new root maps kAt to other memory.
struct RootChangeTest : LitmusTest {
    RootChangeTest()
    {
        begin_with(page());
        machine.add_root(reserved);
        machine.add_root(other);
        mm::PageTable<G, Pte, SimulatedTables<G>> engine{other, env};
        EXPECT_TRUE(engine.map({kAt, kPage}, kMemory + kPage, mm::kData));
    }
    void tlbi_all()
    {
        arch::tlbi_all<TlbScope::ThisCpu>();
        arch::dsb<Shareability::NonShareable>();
        arch::isb();
    }

    PhysAddr reserved = *env.allocate();
    PhysAddr other = *env.allocate();
};

TEST_F(RootChangeTest, EntriesOfTheOldRootStayUsableUntilAllAreInvalidated)
{
    machine.write_root(reserved);
    arch::isb();
    EXPECT_TRUE(may_get(0, kMemory));
    tlbi_all();
    EXPECT_FALSE(may_get(0, kMemory));
    machine.write_root(other);
    arch::isb();
    EXPECT_FALSE(may_get(0, kMemory));
    EXPECT_TRUE(may_get(0, kMemory + kPage));
    EXPECT_FALSE(is_refused());
}

TEST_F(RootChangeTest, WithoutTheReservedRootEntriesOfBothRootsMeet)
{
    machine.write_root(other);
    EXPECT_TRUE(is_refused());
}

TEST_F(RootChangeTest, WithoutTheTlbiTheOldRootsEntriesMeetTheNewRoot)
{
    machine.write_root(reserved);
    arch::isb();
    machine.write_root(other);
    arch::isb();
    EXPECT_TRUE(is_refused());
    EXPECT_TRUE(may_get(0, kMemory));
}

TEST_F(RootChangeTest, WithoutTheIsbTheOldRootFillsTheTlbAfterTheTlbi)
{
    machine.write_root(reserved);
    tlbi_all();
    machine.write_root(other);
    EXPECT_TRUE(is_refused());
}

TEST_F(RootChangeTest, ACpuThatWasOffKeepsEntriesThatNoBroadcastReaches)
{
    machine.power_off(1);
    store(Pte{});
    flush();
    machine.reuse_memory({kMemory, kPage});
    EXPECT_FALSE(is_refused());
    machine.power_on(1, root);
    machine.execute_on(1);
    EXPECT_TRUE(may_get(1, kMemory)); // enable_mmu without its TLBI
    tlbi_all();
    EXPECT_FALSE(may_get(1, kMemory));
}

} // namespace
} // namespace percival::testing
