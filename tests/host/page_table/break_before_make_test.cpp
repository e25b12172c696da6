// SPDX-License-Identifier: BSD-2-Clause
// What the simulated machine allows and forbids when an entry is replaced by another one.
#include "page_table/litmus_bed.hpp"

namespace percival::testing::litmus {
namespace {

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

} // namespace
} // namespace percival::testing::litmus
