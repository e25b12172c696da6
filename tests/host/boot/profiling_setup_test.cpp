// SPDX-License-Identifier: BSD-2-Clause
// Tests that no buffer of a predecessor writes to memory any more.
#include "tests/host/boot/cpu_model.hpp"

namespace percival::boot {
namespace {

// Checks that the CPU disables the buffers that it has and may reach, and waits for their last writes.
void expect_buffers_stopped(CpuTraits traits, void (*set_up)(CpuModel&), unsigned level)
{
    SCOPED_TRACE(level);
    CpuModel cpu{traits, level};
    set_up(cpu);
    const bool may = !traits.buffers_are_kept_back;
    EXPECT_EQ(cpu.profile_is_finished(), traits.has_spe && may);
    EXPECT_EQ(cpu.trace_is_finished(), traits.has_trbe && may);
    if (traits.has_spe && may)
        EXPECT_EQ(cpu.of("s3_0_c9_c10_0"), 0U) << "PMBLIMITR_EL1";
    if (traits.has_trbe && may)
        EXPECT_EQ(cpu.of("s3_0_c9_c11_0"), 0U) << "TRBLIMITR_EL1";
}

TEST(ProfilingSetup, StopsTheBuffersThatWriteToMemoryWhereTheCpuMayReachThem)
{
    for (unsigned bits = 0; bits < 8; ++bits) {
        SCOPED_TRACE(bits);
        const CpuTraits traits{.has_spe = (bits & 1) != 0,
                               .has_trbe = (bits & 2) != 0,
                               .buffers_are_kept_back = (bits & 4) != 0};
        expect_buffers_stopped(traits, [](CpuModel& cpu) { configure_el2(cpu, kSctlrEl1, false); }, 2);
        expect_buffers_stopped(traits, [](CpuModel& cpu) { reset_el1(cpu); }, 1);
    }
}

} // namespace
} // namespace percival::boot
