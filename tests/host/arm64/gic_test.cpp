// SPDX-License-Identifier: BSD-2-Clause
// Tests the drivers of the GIC on a strict model of its registers: what whoever ran before has left of
// interrupts, the order of accesses that the architecture demands, and what each driver refuses. Every test
// fails on an access that the model finds wrong.
#include "arch/arm64/devices/gic.hpp"
#include "arch/cpu/cpu_identity.hpp"
#include "arch/simulation/gic_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace percival {
namespace {

using arch::Ipi;
using Version = GicModel::Version;

constexpr u32 kSgis = 0xffff;
constexpr u32 kTimerBit = u32{1} << GicModel::kTimer;
constexpr u64 kFrame = GicModel::kFrame;

// The bits that the kernel keeps of what the firmware wrote: DS and E1NWF of GICD_CTLR, PMHE of ICC_CTLR_EL1,
// and the bypass bits of GICC_CTLR.
constexpr u32 kDistributorOfFirmware = 0xc0;
constexpr u64 kInterfaceOfFirmwareV2 = 0x1e0;
constexpr u64 kInterfaceOfFirmwareV3 = 0x40;

// Tests of one version, on a machine whose firmware has left a wrong value in every register.
class GicBed {
protected:
    explicit GicBed(Version version) : gic{version}
    {
        arch::played_affinity = 0;
        gic.targets.fill(1);
        gic.priorities.fill(0xf8);
        gic.group_1_active = {1, 2, 4, 8};
        if (version == Version::V2) {
            gic.distributor_control = 1;
            gic.interface_control = kInterfaceOfFirmwareV2 | 0x601;
            gic.group = 0xffff'ffff;
        } else {
            gic.distributor_control = kDistributorOfFirmware | 3;
            gic.interface_control = kInterfaceOfFirmwareV3 | 3;
            gic.group_0_active = {1, 2, 4, 8};
            gic.group_0_enabled = true;
            gic.redistributor_sleeps = true;
            gic.priority_bits = 7;
        }
    }
    ~GicBed()
    {
        EXPECT_EQ(gic.wrong_accesses, std::vector<std::string>{});
        EXPECT_TRUE(gic.has_settled());
    }

    // Sets the GIC up for one CPU, as the kernel does for the boot CPU.
    arch::GicResult set_up(CpuId cpu = kBootCpu)
    {
        if (const auto ready = arch::interrupt_controller_init(gic.description(), gic.registers()); !ready)
            return ready;
        return arch::interrupt_controller_init_cpu(cpu, arch::played_affinity | u64{1} << 31);
    }

    // Expects that the set-up fails with an error that contains `words`.
    void refuses(std::string_view words)
    {
        const auto result = set_up();
        ASSERT_FALSE(result) << words;
        EXPECT_NE(result.error().find(words), std::string_view::npos) << result.error();
    }

    // Sends after stores that the handler must see. Returns the value that the GIC got.
    u64 send(CpuId target, Ipi ipi)
    {
        gic.sent.clear();
        gic.make_stores();
        arch::send_ipi(target, ipi);
        EXPECT_EQ(gic.sent.size(), 1u);
        return gic.sent.empty() ? 0 : gic.sent.front();
    }

    GicModel gic;
};

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

class GicV2 : public GicBed, public testing::Test {
protected:
    GicV2() : GicBed{Version::V2} {}
};

class GicV3 : public GicBed, public testing::Test {
protected:
    GicV3() : GicBed{Version::V3} {}
};

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
    EXPECT_EQ(gic.own[0].enabled, arch::gic::kIpis | kTimerBit);
    arch::disable_private_interrupt(GicModel::kTimer);
    EXPECT_EQ(gic.own[0].enabled, arch::gic::kIpis);
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
    EXPECT_EQ(gic.own[0].enabled, arch::gic::kIpis);
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
    EXPECT_FALSE(state.enabled || state.pending || state.active || state.in_group_1);
}

TEST_P(GicTest, TooFewRegistersAreRefused)
{
    GicDescription description = gic.description();
    description.distributor.size = description.distributor.size - Bytes{1};
    EXPECT_FALSE(arch::interrupt_controller_init(description, gic.registers()));
    if (GetParam() != Version::V2)
        return;
    description = gic.description();
    description.cpu_interface.size = description.cpu_interface.size - Bytes{1};
    EXPECT_FALSE(arch::interrupt_controller_init(description, gic.registers()));
}

TEST_F(GicV2, TheOwnTargetIsThatOfAnyPrivateInterrupt)
{
    for (const u32 implemented : {0u, 1u, 2u, 3u, 4u, 7u, 27u, 30u}) {
        gic.targets.fill(0);
        gic.targets[implemented] = 1 << 3;
        ASSERT_TRUE(set_up());
        EXPECT_EQ(send(kBootCpu, Ipi::Reschedule), u64{1} << (16 + 3) | static_cast<u64>(Ipi::Reschedule))
            << implemented;
    }
}

TEST_F(GicV2, AnOnlyCpuWithoutATargetSendsToItself)
{
    gic.targets.fill(0);
    ASSERT_TRUE(set_up());
    EXPECT_EQ(send(kBootCpu, Ipi::Backtrace), u64{2} << 24 | 1);
}

TEST_F(GicV2, EachCpuHasATargetOfItsOwn)
{
    ASSERT_TRUE(set_up());
    gic.play(0);
    gic.interface_control = 0;
    gic.targets.fill(1 << 7);
    ASSERT_TRUE(arch::interrupt_controller_init_cpu(CpuId{7}, 0));
    EXPECT_EQ(send(CpuId{7}, Ipi::Call), u64{1} << (16 + 7));
    EXPECT_EQ(send(kBootCpu, Ipi::Stop), u64{1} << 16 | static_cast<u64>(Ipi::Stop));
}

TEST_F(GicV2, ACpuBeyondTheEighthIsRefused)
{
    ASSERT_TRUE(set_up());
    EXPECT_FALSE(arch::interrupt_controller_init_cpu(CpuId{8}, 0));
}

TEST_F(GicV2, AnEndNamesTheSenderThatTheAcknowledgeNamed)
{
    ASSERT_TRUE(set_up());
    gic.sgi_senders[0] = 1 << 6;
    const arch::Acknowledged interrupt = arch::acknowledge_interrupt();
    EXPECT_EQ(interrupt.intid, 0u);
    EXPECT_EQ(interrupt.raw, 6u << 10);
    arch::complete_interrupt(interrupt);
    EXPECT_FALSE(gic.is_active(0));
}

TEST_F(GicV3, ActivePrioritiesOfGroup0AreClearedUnlessEl3KeepsThem)
{
    const std::array<u64, 4> kLeft{1, 2, 4, 8};
    for (const unsigned priority_bits : {4u, 5u, 6u, 7u}) {
        for (const bool el3_has_fiq : {false, true}) {
            gic.play(0);
            gic.redistributor_sleeps = !el3_has_fiq;
            gic.priority_bits = priority_bits;
            gic.el3_has_fiq = el3_has_fiq;
            gic.priority_mask = 0xff;
            gic.group_0_enabled = true;
            gic.group_0_active = gic.group_1_active = kLeft;
            ASSERT_TRUE(set_up());
            // As many words as the priority bits make.
            std::array<u64, 4> cleared = kLeft;
            std::fill_n(cleared.begin(), priority_bits > 6 ? 4 : priority_bits > 5 ? 2 : 1, u64{0});
            EXPECT_EQ(gic.group_1_active, cleared);
            EXPECT_EQ(gic.group_0_active, el3_has_fiq ? kLeft : cleared);
            EXPECT_EQ(gic.group_0_enabled, el3_has_fiq);
            EXPECT_GT(gic.priority_mask, arch::gic::kPriority);
        }
    }
}

TEST_F(GicV3, RefusesADistributorThatIsNone)
{
    for (const u64 revision : {0u, 2u, 5u}) {
        gic.distributor_revision = revision;
        refuses("no GICv3 distributor");
    }
    gic.distributor_revision = 4;
    EXPECT_TRUE(set_up());
}

TEST_F(GicV3, RefusesAMachineWithoutRedistributors)
{
    gic.regions.clear();
    refuses("no GICv3 redistributor region");
}

TEST_F(GicV3, RefusesADistributorWithoutAffinityRouting)
{
    gic.refuses_affinity_routing = true;
    refuses("affinity routing");
}

TEST_F(GicV3, WaitsForADistributorOnlySoLong)
{
    // The groups are disabled; affinity routing and the disables; the group is enabled.
    for (const u32 writes : {0u, 2u, 11u}) {
        GicModel one{Version::V3};
        one.distributor_control = kDistributorOfFirmware;
        one.stuck = GicModel::Stuck::Distributor;
        one.stuck_after = writes;
        const auto result = arch::interrupt_controller_init(one.description(), one.registers());
        ASSERT_FALSE(result) << writes;
        EXPECT_NE(result.error().find("GICD_CTLR.RWP"), std::string_view::npos);
    }
    arch::register_model = &gic;
}

TEST_F(GicV3, WaitsForARedistributorOnlySoLong)
{
    GicModel one{Version::V3};
    one.stuck = GicModel::Stuck::Redistributor;
    one.stuck_after = 1;
    ASSERT_TRUE(arch::interrupt_controller_init(one.description(), one.registers()));
    auto result = arch::interrupt_controller_init_cpu(kBootCpu, 0);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().find("GICR_CTLR.RWP"), std::string_view::npos);

    one.stuck = GicModel::Stuck::Waker;
    one.play(0);
    result = arch::interrupt_controller_init_cpu(kBootCpu, 0);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().find("GICR_WAKER"), std::string_view::npos);
    arch::register_model = &gic;
}

TEST_F(GicV3, RefusesACpuWithoutSystemRegisters)
{
    gic.has_system_registers = false;
    refuses("no GICv3 System registers");
}

TEST_F(GicV3, RefusesSystemRegistersThatEl3KeepsOff)
{
    gic.system_registers_are_off = true;
    refuses("ICC_SRE_EL1.SRE");
}

// Two regions behind one whose frames identify themselves as nothing. The first of the two begins with the
// four frames of a redistributor with virtual LPIs. The second holds a redistributor behind the last one.
class GicV3Regions : public GicV3 {
protected:
    static constexpr u64 kEmpty = 0x2000'0000, kFirst = 0x2100'0000, kSecond = 0x2200'0000;
    GicV3Regions()
    {
        gic.regions = {{kEmpty, 4 * kFrame}, {kFirst, 8 * kFrame}, {kSecond, 6 * kFrame}};
        gic.redistributors = {{kFirst, 0, true, false, 4},
                              {kFirst + 4 * kFrame, 0x0102'0304, true, true, 4},
                              {kSecond, 0x100, false, false, 3},
                              {kSecond + 2 * kFrame, 0x200, false, true, 3},
                              {kSecond + 4 * kFrame, 0x300, false, true, 3}};
    }
};

TEST_F(GicV3Regions, ARedistributorIsFoundByItsAffinity)
{
    ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
    const std::array<u64, 4> affinities{0, 0x01'0002'0304, 0x100, 0x200};
    for (u32 cpu = 0; cpu < affinities.size(); ++cpu) {
        gic.play(cpu);
        gic.redistributor_sleeps = true;
        ASSERT_TRUE(arch::interrupt_controller_init_cpu(CpuId{cpu}, affinities[cpu]));
    }
    // Each CPU finds its own again.
    for (u32 cpu = 0; cpu < affinities.size(); ++cpu) {
        gic.play(cpu);
        gic.redistributor_sleeps = false;
        gic.pass_time(0);
        arch::played_affinity = affinities[cpu];
        ASSERT_TRUE(arch::interrupt_controller_init_cpu(CpuId{cpu}, affinities[cpu]));
        arch::enable_private_interrupt(GicModel::kTimer);
        EXPECT_TRUE(arch::private_interrupt_state(GicModel::kTimer).enabled);
        arch::disable_private_interrupt(GicModel::kTimer);
        EXPECT_FALSE(arch::private_interrupt_state(GicModel::kTimer).enabled);
    }
    EXPECT_EQ(send(CpuId{0}, Ipi::Call), 1u);
    EXPECT_EQ(send(CpuId{1}, Ipi::Quiesce), 0x0001'0002'0403'0010u);
    EXPECT_EQ(send(CpuId{2}, Ipi::Reschedule), 0x0301'0001u);
    EXPECT_EQ(send(CpuId{3}, Ipi::Backtrace), 0x0102'0001u);
}

TEST_F(GicV3Regions, NothingIsReadBehindTheLastRedistributorOfARegion)
{
    ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
    EXPECT_FALSE(arch::interrupt_controller_init_cpu(kBootCpu, 0x300));
    // A region ends where the tree says, too.
    gic.regions[2].second = 4 * kFrame - 1;
    ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
    EXPECT_FALSE(arch::interrupt_controller_init_cpu(kBootCpu, 0x200));
    gic.regions[2].second = 4 * kFrame;
    gic.self = 3;
    ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
    EXPECT_TRUE(arch::interrupt_controller_init_cpu(kBootCpu, 0x200));
}

TEST_F(GicV3Regions, TheTreesStrideIsTheDistanceOfRedistributors)
{
    gic.regions = {{kFirst, 16 * kFrame}};
    gic.redistributors = {{kFirst, 0, false, false, 3}, {kFirst + 8 * kFrame, 1, true, true, 3}};
    gic.stride = 8 * kFrame;
    gic.self = 1;
    ASSERT_TRUE(arch::interrupt_controller_init(gic.description(), gic.registers()));
    EXPECT_TRUE(arch::interrupt_controller_init_cpu(kBootCpu, 1));
}

// CPU 0 has an Aff0 below 16, CPU 1 one above.
class GicV3RangeSelector : public GicV3 {
protected:
    GicV3RangeSelector()
    {
        gic.redistributors = {{GicModel::kRedistributor, 0, false, false},
                              {GicModel::kRedistributor + 2 * kFrame, 0x1f}};
        gic.regions = {{GicModel::kRedistributor, 4 * kFrame}};
    }
    arch::GicResult set_up_cpu(u32 cpu)
    {
        gic.play(cpu);
        return arch::interrupt_controller_init_cpu(CpuId{cpu}, cpu == 0 ? 0 : 0x1f);
    }
    // In a program of its own, because the driver remembers what any CPU lacked.
    int outcome(bool distributor, bool cpu_0, bool cpu_1)
    {
        gic.distributor_has_range_selector = distributor;
        gic.cpu_has_range_selector = cpu_0;
        if (!arch::interrupt_controller_init(gic.description(), gic.registers()) || !set_up_cpu(0))
            return 3;
        gic.cpu_has_range_selector = cpu_1;
        const bool both = set_up_cpu(1).has_value();
        return both ? 0 : 1;
    }
};

TEST_F(GicV3RangeSelector, IsNeededForAnAffinityAbove15)
{
    GTEST_FLAG_SET(death_test_style, "fast");
    const auto exits = [this](bool distributor, bool cpu_0, bool cpu_1, int code) {
        EXPECT_EXIT(std::_Exit(outcome(distributor, cpu_0, cpu_1)), testing::ExitedWithCode(code), "");
    };
    exits(true, true, true, 0);
    exits(false, true, true, 1);
    exits(true, false, true, 1);
    exits(true, true, false, 1);
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
