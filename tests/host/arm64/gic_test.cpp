// SPDX-License-Identifier: BSD-2-Clause
// Tests the drivers of the GIC on a model of its registers: what whoever ran before has left of interrupts,
// and the order in which interrupts are served and ended.
#include "arch/arm64/devices/gic.hpp"
#include "arch/simulation/gic_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace percival {
namespace {

using arch::Ipi;
using Version = GicModel::Version;

constexpr u32 kSgis = 0xffff;
constexpr u32 kTimerBit = u32{1} << GicModel::kTimer;

class GicTest : public testing::TestWithParam<Version> {
protected:
    GicTest() { gic.targets.fill(1); }

    // Sets the GIC up for its only CPU, as the kernel does for the boot CPU.
    arch::GicResult set_up()
    {
        if (const auto ready = arch::interrupt_controller_init(gic.description(), gic.registers()); !ready)
            return ready;
        return arch::interrupt_controller_init_cpu(kBootCpu, 0);
    }

    // Makes an SGI pending.
    void request(Ipi ipi)
    {
        const auto sgi = static_cast<u32>(ipi);
        if (GetParam() == Version::V2)
            gic.sgi_senders[sgi] |= 1;
        else
            gic.own[0].pending |= u32{1} << sgi;
    }

    GicModel gic{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(OfVersion, GicTest, testing::Values(Version::V2, Version::V3),
                         [](const auto& version) { return version.param == Version::V2 ? "2" : "3"; });

TEST_P(GicTest, NothingThatWasLeftPendingActiveOrEnabledRemains)
{
    std::ranges::fill(gic.own, GicModel::kAllSet);
    std::ranges::fill(gic.shared, GicModel::kAllSet);
    std::ranges::fill(gic.extended_shared, GicModel::kAllSet);
    if (GetParam() == Version::V2) {
        gic.own[0].pending = ~kSgis;
        std::ranges::fill(gic.sgi_senders, u8{0xff});
    }
    gic.lpis_enabled = true;
    ASSERT_TRUE(set_up());
    EXPECT_EQ(gic.own[0].enabled, arch::gic::kIpis);
    EXPECT_EQ(gic.own[0].pending, 0u);
    EXPECT_EQ(gic.own[0].active, 0u);
    EXPECT_TRUE(std::ranges::all_of(gic.sgi_senders, [](u8 senders) { return senders == 0; }));
    for (u32 word = 1; word < gic.shared.size(); ++word)
        EXPECT_TRUE(gic.shared[word].is_quiet()) << word;
    EXPECT_TRUE(arch::acknowledge_interrupt().is_spurious());
    if (GetParam() != Version::V3)
        return;
    for (const GicModel::Word& word :
         {gic.own[1], gic.own[2], gic.extended_shared[0], gic.extended_shared[1]})
        EXPECT_TRUE(word.is_quiet());
    EXPECT_FALSE(gic.lpis_enabled);
}

TEST_P(GicTest, ALineThatFallsLateIsServedOncePerAlarm)
{
    ASSERT_TRUE(set_up());
    arch::enable_private_interrupt(GicModel::kTimer);
    for (u32 alarm = 1; alarm <= 3; ++alarm) {
        u32 served = 0;
        gic.raise_line();
        arch::serve_interrupts([](Ipi) { ADD_FAILURE(); },
                               [&](u32 intid) {
                                   EXPECT_EQ(intid, GicModel::kTimer);
                                   ++served;
                                   gic.lower_line();
                                   gic.pass_time(GicModel::kLineDelay); // the rest of the handler
                               });
        EXPECT_EQ(served, 1u);
        EXPECT_FALSE(gic.is_active(GicModel::kTimer));
    }
}

TEST_P(GicTest, AnSgiHasEndedWhenItsHandlerRuns)
{
    ASSERT_TRUE(set_up());
    request(Ipi::Call);
    u32 served = 0;
    arch::serve_interrupts(
        [&](Ipi ipi) {
            EXPECT_FALSE(gic.is_active(static_cast<u32>(ipi)));
            if (++served > 1)
                return;
            // The handler can be told of the next interrupt, and need not return.
            request(Ipi::Reschedule);
            EXPECT_FALSE(arch::acknowledge_interrupt().is_spurious());
        },
        [](u32) { ADD_FAILURE(); });
    EXPECT_EQ(served, 1u);
}

TEST_P(GicTest, InterruptsThatTheFirmwareKeepsAreNoticed)
{
    gic.hidden = ~u32{0};
    EXPECT_FALSE(set_up());
}

TEST_P(GicTest, APriorityMaskThatTheFirmwareKeepsIsNoticed)
{
    gic.el3_has_fiq = true;
    EXPECT_FALSE(set_up());
    gic.priority_mask = 0xff;
    EXPECT_TRUE(set_up());
}

TEST_P(GicTest, TheStateOfAPrivateInterruptIsReadBack)
{
    ASSERT_TRUE(set_up());
    EXPECT_FALSE(arch::private_interrupt_state(GicModel::kTimer).enabled);
    arch::enable_private_interrupt(GicModel::kTimer);
    gic.own[0].pending = gic.own[0].active = 0;
    auto state = arch::private_interrupt_state(GicModel::kTimer);
    EXPECT_TRUE(state.enabled);
    EXPECT_FALSE(state.pending);
    EXPECT_FALSE(state.active);
    EXPECT_EQ(state.in_group_1, GetParam() == Version::V3);
    gic.raise_line();
    gic.own[0].active = kTimerBit;
    state = arch::private_interrupt_state(GicModel::kTimer);
    EXPECT_TRUE(state.pending);
    EXPECT_TRUE(state.active);
    gic.hidden = kTimerBit;
    EXPECT_FALSE(arch::private_interrupt_state(GicModel::kTimer).enabled);
}

TEST(GicV2, TheOwnTargetIsThatOfAnyPrivateInterrupt)
{
    for (const u32 implemented : {0u, 7u, 27u, 30u}) {
        GicModel gic{Version::V2};
        gic.targets[implemented] = 1 << 3;
        ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
        ASSERT_TRUE(arch::interrupt_controller_init_cpu(kBootCpu, 0));
        arch::send_ipi(kBootCpu, Ipi::Reschedule);
        EXPECT_EQ(gic.sent, u64{1} << (16 + 3) | static_cast<u64>(Ipi::Reschedule)) << implemented;
    }
}

TEST(GicV2, AnOnlyCpuWithoutATargetSendsToItself)
{
    GicModel gic{Version::V2};
    ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
    ASSERT_TRUE(arch::interrupt_controller_init_cpu(kBootCpu, 0));
    arch::send_ipi(kBootCpu, Ipi::Call);
    EXPECT_EQ(gic.sent, u64{2} << 24);
}

TEST(GicV3, ActivePrioritiesOfGroup0AreClearedUnlessEl3KeepsThem)
{
    for (const unsigned priority_bits : {4u, 5u, 6u, 7u}) {
        for (const bool el3_has_fiq : {false, true}) {
            GicModel gic{Version::V3};
            gic.priority_bits = priority_bits;
            gic.el3_has_fiq = el3_has_fiq;
            gic.priority_mask = 0xff;
            gic.group_0_active = 1;
            ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
            ASSERT_TRUE(arch::interrupt_controller_init_cpu(kBootCpu, 0));
            EXPECT_EQ(gic.group_0_active, el3_has_fiq ? 1u : 0u);
            EXPECT_EQ(gic.wrong_accesses, std::vector<std::string>{});
            EXPECT_GT(gic.priority_mask, arch::gic::kPriority);
        }
    }
}

TEST(Acknowledged, OnlyTheSpecialNumbersAreSpurious)
{
    for (const u32 intid : {0u, 31u, 1019u, 1056u, 8192u})
        EXPECT_FALSE((arch::Acknowledged{intid, intid}.is_spurious())) << intid;
    for (const u32 intid : {1020u, 1021u, 1022u, 1023u})
        EXPECT_TRUE((arch::Acknowledged{intid, intid}.is_spurious())) << intid;
}

} // namespace
} // namespace percival
