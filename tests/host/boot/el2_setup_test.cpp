// SPDX-License-Identifier: BSD-2-Clause
// Tests that EL2 is set up for a kernel at EL1, and for one that stays at EL2, whatever was left there.
#include "tests/host/boot/cpu_model.hpp"

namespace percival::boot {
namespace {

CpuModel at_el2(CpuTraits traits)
{
    CpuModel cpu{traits, 2};
    configure_el2(cpu, kSctlrEl1, false);
    EXPECT_EQ(cpu.of("sctlr_el1"), kSctlrEl1);
    return cpu;
}

// Sets up a CPU whose kernel stays at EL2.
CpuModel staying_at_el2(CpuTraits traits)
{
    CpuModel cpu{traits, 2};
    configure_el2(cpu, kSctlrEl1, true);
    reset_el1(cpu);
    return cpu;
}

void expect_el2_opened(CpuModel& cpu, bool host_mode)
{
    EXPECT_EQ(cpu.of("hcr_el2"), u64{0x300'8000'0000} | (host_mode ? kE2h : 0));
    EXPECT_EQ(cpu.in_host_mode(), host_mode);
    EXPECT_EQ(cpu.of("cnthctl_el2"), host_mode ? 0xc00U : 3U);
    EXPECT_EQ(cpu.of("cptr_el2"), host_mode ? 0x30'0000U : 0x33ffU);
    for (const char* name : {"cntvoff_el2", "hstr_el2", "vttbr_el2", "cntp_ctl_el0", "cnthp_ctl_el2"})
        EXPECT_EQ(cpu.of(name), 0U) << name;
    EXPECT_EQ(cpu.of("vpidr_el2"), cpu.of("midr_el1"));
    EXPECT_EQ(cpu.of("vmpidr_el2"), cpu.of("mpidr_el1"));
}

TEST(El2Setup, LeavesHostModeOnACpuThatCan)
{
    CpuModel cpu = at_el2({});
    expect_el2_opened(cpu, false);
    EXPECT_EQ(cpu.of("mdcr_el2"), 0U) << "without a PMU";
}

TEST(El2Setup, UsesTheLayoutOfHostModeOnACpuThatSaysItHasNoOther)
{
    CpuModel cpu = at_el2({.announces_vhe_only = true, .is_vhe_only = true});
    expect_el2_opened(cpu, true);
}

TEST(El2Setup, FindsOutThatACpuHasOnlyHostModeThoughNothingSaysSo)
{
    CpuModel cpu = at_el2({.announces_vhe_only = false, .is_vhe_only = true});
    expect_el2_opened(cpu, true);
}

TEST(El2Setup, LeavesNoTrapAndNoOffsetOfThePredecessorOnACpuWithAllFeatures)
{
    CpuModel cpu = at_el2(kEverything);
    expect_el2_opened(cpu, false);
    EXPECT_EQ(cpu.of("mdcr_el2"), 6U) << "EL1 has all event counters";
    EXPECT_EQ(cpu.of("s3_4_c14_c3_1"), 0U) << "CNTHV_CTL_EL2";
    EXPECT_EQ(cpu.of("s3_4_c1_c2_2"), 0xc000U) << "HCRX_EL2: TCR2En, SCTLR2En";
    EXPECT_EQ(cpu.of("s3_4_c12_c11_0"), 0U) << "ICH_HCR_EL2";
    EXPECT_EQ(cpu.of("s3_4_c12_c9_5"), 0xfU) << "ICC_SRE_EL2";
    for (const char* trap :
         {"s3_4_c1_c1_4", "s3_4_c1_c1_5", "s3_4_c1_c1_6", "s3_4_c3_c1_4", "s3_4_c3_c1_5", "s3_4_c3_c1_6",
          "s3_4_c3_c1_0", "s3_4_c3_c1_1", "s3_4_c3_c1_2", "s3_4_c3_c1_3", "s3_4_c3_c1_7"})
        EXPECT_EQ(cpu.of(trap), 0U) << trap;
}

TEST(El2Setup, TouchesNoRegisterOfAFeatureThatTheCpuLacks)
{
    for (unsigned bits = 0; bits < 64; ++bits) {
        SCOPED_TRACE(bits);
        CpuTraits traits{.has_hcx = (bits & 1) != 0,
                         .has_tcr2 = (bits & 2) != 0,
                         .has_sctlr2 = (bits & 4) != 0,
                         .has_amu = (bits & 8) != 0,
                         .fgt = (bits >> 4) % 3,
                         .has_pmu = (bits & 32) != 0};
        at_el2(traits);
        traits.has_vhe = true;
        CpuModel cpu = staying_at_el2(traits);
        EXPECT_EQ(cpu.of("hcr_el2") & (kE2h | kTge), kE2h | kTge);
    }
}

TEST(El2Setup, LeavesIchHcrAloneWhereEl3KeepsTheGicsRegistersOff)
{
    CpuModel cpu = at_el2({.has_gic_registers = true, .gic_registers_are_off = true});
    EXPECT_FALSE(cpu.was_written("s3_4_c12_c11_0"));
}

TEST(El2Setup, PutsACpuThatStaysIntoHostModeWithItsOwnSctlrAndNoTimerRunning)
{
    for (const bool announces : {false, true}) {
        CpuTraits traits = kEverything;
        traits.announces_vhe_only = traits.is_vhe_only = announces;
        CpuModel cpu = staying_at_el2(traits);
        EXPECT_EQ(cpu.of("hcr_el2"), u64{0x300'8000'0000} | kE2h | kTge);
        EXPECT_EQ(cpu.of("sctlr_el2"), kSctlrEl1);
        EXPECT_EQ(cpu.of("mdcr_el2"), 6U) << "all counters, which count at EL2";
        for (const char* timer : {"cntp_ctl_el0", "cntv_ctl_el0", "cnthp_ctl_el2", "s3_4_c14_c3_1"})
            EXPECT_EQ(cpu.of(timer), 0U) << timer;
        EXPECT_EQ(cpu.of("s3_4_c12_c9_5"), 0xfU) << "ICC_SRE_EL2";
    }
}

TEST(El2Setup, LeavesNothingOfThePredecessorInTheRegistersThatStandForThoseOfEl1)
{
    CpuModel cpu = staying_at_el2(kEverything);
    for (const char* name : {"cptr_el2", "cnthctl_el2", "s3_4_c13_c0_1", "amair_el2", "s3_4_c2_c0_3",
                             "s3_4_c1_c0_3", "cntvoff_el2", "hstr_el2", "vttbr_el2", "mdscr_el1"})
        EXPECT_EQ(cpu.of(name), 0U) << name;
}

} // namespace
} // namespace percival::boot
