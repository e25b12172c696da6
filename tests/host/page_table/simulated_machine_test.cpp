// SPDX-License-Identifier: BSD-2-Clause
// Tests the simulated machine itself: it notices when a test breaks one of its rules on purpose, and does not
// complain about a correct sequence.
#include "page_table/two_cpu_bed.hpp"

namespace percival::testing {
namespace {

using G = mm::Geometry4k48;
using Pte = SimulatedPte;
using arch::Access;
using arch::Shareability;
using arch::TlbEntries;
using arch::TlbScope;

constexpr VirtAddr kAt = G::kKernelBase;
constexpr Bytes kPage = G::kPageSize;

void dsb_for_stores()
{
    arch::dsb<Shareability::InnerShareable, Access::Store>();
}

struct SimulatedMachineTest : TwoCpuBed<G> {
    void map(PhysAddr to, u64 index = 0) { begin_with(page(to), index); }
    void flush(VirtAddr at = kAt, TlbEntries entries = TlbEntries::Leaves)
    {
        dsb_for_stores();
        arch::tlbi_page<TlbScope::AllCpus>(at, entries);
        arch::dsb<Shareability::InnerShareable>();
        arch::isb();
        machine.synchronize(1);
    }
    std::size_t violations() { return machine.take_violations().size(); }
    std::size_t settled()
    {
        machine.expect_settled();
        return violations();
    }
};

TEST_F(SimulatedMachineTest, ACorrectSequenceCausesNoComplaint)
{
    map(kMemory);
    EXPECT_EQ(machine.access(1, kAt).address->raw(), kMemory.raw());
    store(Pte{});
    flush();
    machine.reuse_memory({kMemory, kPage});
    map(kMemory + kPage);
    EXPECT_EQ(machine.access(0, kAt).address->raw(), (kMemory + kPage).raw());
    EXPECT_EQ(settled(), 0u);
}

TEST_F(SimulatedMachineTest, AnUnpublishedStoreMayOrMayNotBeSeen)
{
    store(page(kMemory));
    EXPECT_EQ(machine.outcomes(1, kAt).size(), 2u);
    EXPECT_EQ(settled(), 1u);
    dsb_for_stores();
    EXPECT_EQ(machine.outcomes(1, kAt).size(), 2u); // nor has CPU 1 caught up
    machine.synchronize(1);
    EXPECT_EQ(machine.outcomes(1, kAt).size(), 1u);
    EXPECT_EQ(machine.outcomes(0, kAt).size(), 2u); // CPU 0 may still take a fault until its ISB
    arch::isb();
    EXPECT_EQ(machine.outcomes(0, kAt).size(), 1u);
}

TEST_F(SimulatedMachineTest, AnEntryStaysInTlbsUntilAllFourStepsAreDone)
{
    const auto may_be_used = [&](u32 cpu) { return machine.outcomes(cpu, kAt).size() == 2; };
    map(kMemory);
    store(Pte{});
    EXPECT_TRUE(may_be_used(1));
    arch::tlbi_page<TlbScope::AllCpus>(kAt, TlbEntries::Leaves); // too early: a walker may refetch it
    arch::dsb<Shareability::InnerShareable>();
    EXPECT_TRUE(may_be_used(1));
    arch::tlbi_page<TlbScope::AllCpus>(kAt, TlbEntries::Leaves);
    EXPECT_TRUE(may_be_used(1));
    dsb_for_stores(); // completes no TLBI
    EXPECT_TRUE(may_be_used(1));
    arch::dsb<Shareability::InnerShareable>();
    EXPECT_TRUE(may_be_used(1)); // CPU 1 has not caught up
    machine.synchronize(1);
    EXPECT_FALSE(may_be_used(1));
    EXPECT_TRUE(may_be_used(0));
    arch::isb();
    EXPECT_FALSE(may_be_used(0));
    EXPECT_EQ(settled(), 0u);
}

TEST_F(SimulatedMachineTest, ATlbiForThisCpuOnlyLeavesTheEntriesOfOthers)
{
    map(kMemory);
    store(Pte{});
    dsb_for_stores();
    arch::tlbi_page<TlbScope::ThisCpu>(kAt, TlbEntries::Leaves);
    arch::dsb<Shareability::InnerShareable>();
    arch::isb();
    EXPECT_EQ(machine.outcomes(0, kAt).size(), 1u);
    EXPECT_EQ(machine.outcomes(1, kAt).size(), 2u);
}

TEST_F(SimulatedMachineTest, ATlbiOfAnotherAddressDoesNotHelp)
{
    map(kMemory);
    store(Pte{});
    flush(kAt + kPage);
    EXPECT_EQ(settled(), 1u);
}

TEST_F(SimulatedMachineTest, AValidEntryMayBeOverwrittenOnlyToChangePermissions)
{
    map(kMemory);
    store(page(kMemory, mm::kReadOnlyData));
    EXPECT_EQ(violations(), 0u);
    flush();
    store(page(kMemory + kPage, mm::kReadOnlyData));
    EXPECT_GE(violations(), 1u);
    flush();
    store(page(kMemory + kPage, mm::kDeviceRegisters));
    EXPECT_GE(violations(), 1u);
}

TEST_F(SimulatedMachineTest, ABreakWithoutInvalidationIsNoBreak)
{
    map(kMemory);
    store(Pte{});
    env.publish();
    store(page(kMemory + kPage));
    EXPECT_EQ(violations(), 1u);
}

TEST_F(SimulatedMachineTest, MemoryMayNotBeReusedWhileATlbMapsIt)
{
    map(kMemory);
    store(Pte{});
    machine.reuse_memory({kMemory, kPage});
    EXPECT_EQ(violations(), 1u);
    flush();
    machine.reuse_memory({kMemory, kPage});
    EXPECT_EQ(violations(), 0u);
}

TEST_F(SimulatedMachineTest, ATlbiThatCompletesEarlyNeedsAnotherBeforeMemoryIsReused)
{
    machine.set_completes_tlbi_early(true);
    map(kMemory);
    store(Pte{});
    flush();
    EXPECT_EQ(machine.outcomes(1, kAt).size(), 1u); // the entry is gone
    machine.reuse_memory({kMemory, kPage});
    EXPECT_EQ(violations(), 1u);
    arch::dsb<Shareability::InnerShareable>(); // a DSB alone waits for nothing new
    machine.reuse_memory({kMemory, kPage});
    EXPECT_EQ(violations(), 1u);
    arch::tlbi_page<TlbScope::ThisCpu>(kAt, TlbEntries::Leaves); // nor does a TLBI for this CPU only
    arch::dsb<Shareability::InnerShareable>();
    EXPECT_EQ(settled(), 1u);
    arch::tlbi_again();
    machine.reuse_memory({kMemory, kPage});
    EXPECT_EQ(violations(), 1u);
    arch::dsb<Shareability::InnerShareable>();
    machine.reuse_memory({kMemory, kPage});
    EXPECT_EQ(settled(), 0u);
}

TEST_F(SimulatedMachineTest, ATableMayNotBeLinkedBeforeItsZeroesAreVisible)
{
    const PhysAddr table = *machine.allocate_page();
    arch::zero_table(machine.pointer(table), kPage);
    env.store(env.table(root) + 1, Pte::table(table));
    EXPECT_EQ(violations(), 1u);
}

TEST_F(SimulatedMachineTest, ATableMayNotBeFreedWhileItIsLinkedOrCached)
{
    const PhysAddr table = *env.allocate();
    Pte* link = env.table(root) + 1;
    const VirtAddr at = kAt + G::entry_size(G::kRootLevel);
    env.store(link, Pte::table(table));
    env.publish();
    machine.free_page(table);
    EXPECT_GE(violations(), 1u);

    const PhysAddr other = *env.allocate();
    Pte* second = env.table(root) + 2;
    env.store(second, Pte::table(other));
    env.publish();
    env.store(second, Pte{});
    flush(at + G::entry_size(G::kRootLevel), TlbEntries::Leaves); // does not invalidate the walk caches
    machine.free_page(other);
    EXPECT_EQ(violations(), 1u);
}

TEST_F(SimulatedMachineTest, AFreedTableMayNotBeWritten)
{
    const PhysAddr table = *env.allocate();
    machine.free_page(table);
    env.store(env.table(table), page(kMemory));
    EXPECT_EQ(violations(), 1u);
}

TEST_F(SimulatedMachineTest, TheEntriesOfAContiguousRunMustAgreeAndBeComplete)
{
    const auto member = [&](u64 n) { return page(kMemory + kPage * n).with_contiguous(true); };
    for (u64 n = 0; n < 16; ++n)
        store(member(n), n);
    env.publish();
    EXPECT_EQ(settled(), 0u);

    store(Pte{}, 3); // the neighbours still translate the hole
    flush(kAt + kPage * 3);
    EXPECT_EQ(machine.outcomes(1, kAt + kPage * 3).size(), 2u);
    EXPECT_EQ(settled(), 1u);
    store(page(kMemory + kPage * 3), 3);
    EXPECT_GE(violations(), 1u);
}

TEST_F(SimulatedMachineTest, AMisalignedBlockIsNoticed)
{
    Pte* slot = env.table(root);
    const PhysAddr level2 = Pte{slot->raw()}.address();
    const PhysAddr table = Pte{env.table(level2)->raw()}.address();
    env.store(env.table(table) + 5, Pte::leaf(kMemory + kPage, Level{2}, mm::kData));
    EXPECT_EQ(violations(), 1u);
    env.store(env.table(root) + 7, Pte::leaf(kMemory, G::kRootLevel, mm::kData));
    EXPECT_EQ(violations(), 1u);
}

// Two CPUs, each with its own root, map the same address to different memory. That works with private TLBs,
// and fails with CnP = 1.
TEST_F(SimulatedMachineTest, PrivateRootsWorkUntilTlbsAreShared)
{
    const PhysAddr other = *env.allocate();
    machine.set_root(1, other);
    mm::PageTable<G, Pte, SimulatedTables<G>> first{root, env}, second{other, env};
    ASSERT_TRUE(first.map({kAt, kPage}, kMemory, mm::kData));
    ASSERT_TRUE(second.map({kAt, kPage}, kMemory + kPage, mm::kData));
    machine.synchronize(1);
    EXPECT_EQ(machine.access(0, kAt).address->raw(), kMemory.raw());
    EXPECT_EQ(machine.access(1, kAt).address->raw(), (kMemory + kPage).raw());
    EXPECT_EQ(settled(), 0u);
    machine.share_tlbs(true);
    machine.access(0, kAt);
    EXPECT_EQ(violations(), 1u);
}

// One table is linked at two addresses of the root, as linked windows are. Each address needs its own TLBI.
TEST_F(SimulatedMachineTest, ATableLinkedTwiceNeedsATlbiForEachAddress)
{
    Pte* root_entries = env.table(root);
    env.store(root_entries + 9, root_entries[0]);
    env.publish();
    const VirtAddr alias = kAt + G::entry_size(G::kRootLevel) * 9;
    map(kMemory);
    EXPECT_EQ(machine.access(1, alias).address->raw(), kMemory.raw());
    store(Pte{});
    flush(kAt);
    EXPECT_EQ(machine.outcomes(1, alias).size(), 2u);
    machine.reuse_memory({kMemory, kPage});
    EXPECT_EQ(violations(), 1u);
    flush(alias);
    EXPECT_EQ(settled(), 0u);
}

// A CPU that has invalidated an entry for itself, without an ISB, may still act on it. Who waits for a
// broadcast knows that its accesses are over, but not that it acts on the entry no more.
TEST_F(SimulatedMachineTest, ABroadcastEndsTheAccessesOfACpuThatHasInvalidatedTheEntryForItself)
{
    for (const bool broadcasts : {false, true}) {
        map(kMemory);
        store(Pte{});
        dsb_for_stores();
        machine.execute_on(1);
        arch::tlbi_page<TlbScope::ThisCpu>(kAt, TlbEntries::Leaves);
        arch::dsb<Shareability::NonShareable>();
        machine.execute_on(0);
        if (broadcasts)
            arch::tlbi_page<TlbScope::AllCpus>(kAt, TlbEntries::Leaves);
        else
            arch::tlbi_page<TlbScope::ThisCpu>(kAt, TlbEntries::Leaves);
        arch::dsb<Shareability::InnerShareable>();
        arch::isb();
        EXPECT_EQ(machine.outcomes(1, kAt).size(), 2u);
        machine.reuse_memory({kMemory, kPage});
        EXPECT_EQ(violations(), broadcasts ? 0u : 1u);
        machine.synchronize(1);
        EXPECT_EQ(settled(), 0u);
    }
}

} // namespace
} // namespace percival::testing
