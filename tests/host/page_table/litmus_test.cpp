// SPDX-License-Identifier: BSD-2-Clause
// What the simulated machine allows and forbids when descriptors change, TLBIs are issued, and CPUs are told.
#include "page_table/litmus_bed.hpp"

namespace percival::testing::litmus {
namespace {

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

} // namespace
} // namespace percival::testing::litmus
