// SPDX-License-Identifier: BSD-2-Clause
// Tests what both drivers of the GIC do: with what whoever ran before has left of interrupts, and in the
// order of accesses that the architecture demands.
#include "tests/host/arm64/gic_bed.hpp"

#include <algorithm>

namespace percival {
namespace {

class GicTest : public GicBed, public testing::TestWithParam<Version> {
protected:
    GicTest() : GicBed{GetParam()} {}

    // Makes an SGI pending, in a GICv2 by CPU 5.
    void request(Ipi ipi)
    {
        const auto sgi = static_cast<u32>(ipi);
        if (GetParam() == Version::V2)
            gic.sgi_senders[sgi] |= 1 << 5;
        else
            gic.own[0].pending |= u32{1} << sgi;
    }
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
    EXPECT_EQ(gic.own[0].enabled, arch::kIpiBits);
    EXPECT_EQ(gic.own[0].pending, 0u);
    EXPECT_EQ(gic.own[0].active, 0u);
    EXPECT_TRUE(std::ranges::all_of(gic.sgi_senders, [](u8 senders) { return senders == 0; }));
    for (u32 word = 1; word < gic.shared.size(); ++word)
        EXPECT_TRUE(gic.shared[word].is_quiet()) << word;
    EXPECT_TRUE(arch::acknowledge_interrupt().is_spurious());
    EXPECT_EQ(gic.group_1_active, (std::array<u64, 4>{}));
    if (GetParam() != Version::V3)
        return;
    for (const GicModel::Word& word :
         {gic.own[1], gic.own[2], gic.extended_shared[0], gic.extended_shared[1]})
        EXPECT_TRUE(word.is_quiet());
    EXPECT_FALSE(gic.lpis_enabled);
}

TEST_P(GicTest, EveryRegisterHasTheKernelsValueAndKeepsTheFirmwaresBits)
{
    ASSERT_TRUE(set_up());
    EXPECT_TRUE(gic.is_distributor_enabled());
    for (const u8 priority : gic.priorities)
        EXPECT_EQ(priority, 0x80);
    EXPECT_EQ(gic.ppi_configuration, 0u);
    EXPECT_EQ(gic.binary_point, 0u);
    EXPECT_GT(gic.priority_mask, arch::gic::kPriority);
    if (GetParam() == Version::V2) {
        EXPECT_EQ(gic.group, 0u);
        EXPECT_EQ(gic.interface_control, kInterfaceOfFirmwareV2 | 1);
        EXPECT_EQ(gic.distributor_control, 1u);
        EXPECT_EQ(arch::interrupt_controller_name(), "GICv2");
    } else {
        EXPECT_EQ(gic.group, ~u32{0});
        EXPECT_EQ(gic.interface_control, kInterfaceOfFirmwareV3);
        EXPECT_EQ(gic.distributor_control, kDistributorOfFirmware | 0x12);
        EXPECT_FALSE(gic.group_0_enabled);
        EXPECT_EQ(arch::interrupt_controller_name(), "GICv3");
    }
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

TEST_P(GicTest, ADisabledInterruptIsNotTaken)
{
    ASSERT_TRUE(set_up());
    arch::enable_private_interrupt(GicModel::kTimer);
    EXPECT_EQ(gic.own[0].enabled, arch::kIpiBits | kTimerBit);
    arch::disable_private_interrupt(GicModel::kTimer);
    EXPECT_EQ(gic.own[0].enabled, arch::kIpiBits);
    gic.raise_line();
    EXPECT_TRUE(arch::acknowledge_interrupt().is_spurious());
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
            const arch::Acknowledged next = arch::acknowledge_interrupt();
            EXPECT_EQ(next.intid, static_cast<u32>(Ipi::Reschedule));
            arch::complete_interrupt(next);
        },
        [](u32) { ADD_FAILURE(); });
    EXPECT_EQ(served, 1u);
}

TEST_P(GicTest, EveryIpiIsTaken)
{
    ASSERT_TRUE(set_up());
    for (const Ipi ipi : {Ipi::Call, Ipi::Backtrace, Ipi::Stop, Ipi::Reschedule, Ipi::Quiesce}) {
        request(ipi);
        u32 served = 0;
        arch::serve_interrupts(
            [&](Ipi taken) {
                EXPECT_EQ(taken, ipi);
                ++served;
            },
            [](u32) { ADD_FAILURE(); });
        EXPECT_EQ(served, 1u);
    }
}

TEST_P(GicTest, ACpuThatLeavesTakesNoInterrupt)
{
    ASSERT_TRUE(set_up());
    arch::interrupt_controller_leave_cpu();
    request(Ipi::Call);
    EXPECT_TRUE(arch::acknowledge_interrupt().is_spurious());
    if (GetParam() == Version::V2) {
        EXPECT_EQ(gic.interface_control, kInterfaceOfFirmwareV2);
    }
}

TEST_P(GicTest, InterruptsThatTheFirmwareKeepsAreNoticed)
{
    for (const u32 hidden : {~u32{0}, u32{1} << static_cast<u32>(Ipi::Quiesce)}) {
        gic.hidden = hidden;
        refuses("in Group 0");
    }
}

TEST_P(GicTest, APriorityMaskThatTheFirmwareKeepsIsNoticed)
{
    gic.el3_has_fiq = true;
    gic.redistributor_sleeps = false;
    gic.group_0_active = {};
    refuses("priority mask");
    gic.priority_mask = 0xff;
    EXPECT_TRUE(set_up());
}

TEST_P(GicTest, TheNonSecureOfTwoStatesUsesWhatTheFirmwareHasPutIntoGroup1)
{
    constexpr u32 kSecureSgis = 0xff00;
    gic.el3_has_fiq = true;
    gic.redistributor_sleeps = false;
    gic.priority_mask = 0xff;
    gic.hidden = kSecureSgis;
    gic.group = ~kSecureSgis;
    gic.group_0_active = {};
    if (GetParam() == Version::V3)
        gic.distributor_control = 0x12; // the firmware has turned affinity routing on
    ASSERT_TRUE(set_up());
    EXPECT_EQ(gic.group, ~kSecureSgis);
    EXPECT_EQ(gic.own[0].enabled, arch::kIpiBits);
    EXPECT_EQ(gic.priorities[0], 0xc0);
    EXPECT_EQ(gic.priorities[GicModel::kTimer], 0xc0);
    EXPECT_EQ(gic.distributor_control, GetParam() == Version::V3 ? 0x12u : 1u);
    EXPECT_EQ(gic.group_0_enabled, GetParam() == Version::V3);
    request(Ipi::Call);
    u32 served = 0;
    arch::serve_interrupts([&](Ipi) { ++served; }, [](u32) { ADD_FAILURE(); });
    EXPECT_EQ(served, 1u);
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
    // The bits of other interrupts do not count.
    gic.hidden = 0;
    gic.own[0] = {~kTimerBit, 0, ~kTimerBit};
    gic.group = ~kTimerBit;
    gic.lower_line();
    gic.pass_time(GicModel::kLineDelay);
    state = arch::private_interrupt_state(GicModel::kTimer);
    EXPECT_FALSE(state.enabled || state.pending || state.active || state.in_group_1.value_or(true));
}

TEST_P(GicTest, TooFewRegistersAreRefused)
{
    InterruptControllerDescription description = gic.description();
    description.distributor.size = description.distributor.size - Bytes{1};
    EXPECT_FALSE(arch::interrupt_controller_init(description, gic.registers()));
    if (GetParam() != Version::V2)
        return;
    description = gic.description();
    description.cpu_interface.size = description.cpu_interface.size - Bytes{1};
    EXPECT_FALSE(arch::interrupt_controller_init(description, gic.registers()));
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
