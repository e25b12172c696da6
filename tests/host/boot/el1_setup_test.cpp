// SPDX-License-Identifier: BSD-2-Clause
// Tests that nothing of a predecessor stays in the registers of EL1.
#include "tests/host/boot/cpu_model.hpp"

namespace percival::boot {
namespace {

TEST(El1Setup, LeavesNothingOfThePredecessorOnACpuWithAllFeatures)
{
    CpuModel cpu{kEverything, 1};
    reset_el1(cpu);
    for (const char* name : {"s3_0_c2_c0_3", "s3_0_c1_c0_3", "amair_el1", "cpacr_el1", "cntkctl_el1",
                             "cntv_ctl_el0", "contextidr_el1", "tpidr_el0", "tpidrro_el0", "mdscr_el1",
                             "osdlr_el1", "oslar_el1", "pmuserenr_el0"})
        EXPECT_EQ(cpu.of(name), 0U) << name;
    for (unsigned n = 0; n < 16; ++n) {
        EXPECT_EQ(cpu.of("dbgbcr" + std::to_string(n) + "_el1"), 0U) << n;
        EXPECT_EQ(cpu.of("dbgwcr" + std::to_string(n) + "_el1"), 0U) << n;
    }
    for (const char* name : {"pmcntenclr_el0", "pmintenclr_el1", "pmovsclr_el0"})
        EXPECT_EQ(cpu.of(name), 0x1'ffff'ffffU) << name;
    EXPECT_EQ(cpu.of("pmcr_el0"), 0x46U) << "P, C, LC";
}

TEST(El1Setup, TouchesNoRegisterThatTheCpuLacks)
{
    for (unsigned count = 1; count <= 16; ++count) {
        SCOPED_TRACE(count);
        CpuModel cpu{{.breakpoints = count, .watchpoints = 17 - count}, 1};
        reset_el1(cpu);
        EXPECT_TRUE(cpu.was_written("dbgbcr" + std::to_string(count - 1) + "_el1"));
        EXPECT_TRUE(cpu.was_written("dbgwcr" + std::to_string(16 - count) + "_el1"));
    }
}

TEST(El1Setup, ClearsOnlyTheCountersThatThePmuHas)
{
    CpuModel cpu{{.has_pmu = true}, 1};
    reset_el1(cpu);
    EXPECT_EQ(cpu.of("pmcntenclr_el0"), 0xffff'ffffU);
}

} // namespace
} // namespace percival::boot
