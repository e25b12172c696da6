// SPDX-License-Identifier: BSD-2-Clause
// Tests what only the driver of the GICv3 does, and what it refuses.
#include "mm/percpu/area.hpp"
#include "tests/host/arm64/gic_bed.hpp"

#include <algorithm>

namespace percival {
namespace {

class GicV3 : public GicBed, public testing::Test {
protected:
    GicV3() : GicBed{Version::V3} {}
};

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
        arch::played_distance = mm::global_distance(CpuId{cpu});
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

TEST_F(GicV3, ACpuThatIsParkedIsWokenByItsAffinity)
{
    ASSERT_TRUE(set_up());
    gic.make_stores();
    arch::wake_parked_cpu(0x01'0002'0304, 0);
    EXPECT_EQ(gic.sent, std::vector<u64>{0x0001'0002'0003'0010u});
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
    arch::InterruptControllerResult set_up_cpu(u32 cpu)
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

} // namespace
} // namespace percival
