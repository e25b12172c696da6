// SPDX-License-Identifier: BSD-2-Clause
// What the simulated machine allows and forbids when a CPU changes its root.
#include "page_table/litmus_bed.hpp"

namespace percival::testing::litmus {
namespace {

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
} // namespace percival::testing::litmus
