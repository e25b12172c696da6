// SPDX-License-Identifier: BSD-2-Clause
// Tests what only the driver of the GICv2 does.
#include "tests/host/arm64/gic_bed.hpp"

namespace percival {
namespace {

class GicV2 : public GicBed, public testing::Test {
protected:
    GicV2() : GicBed{Version::V2} {}
};

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

TEST_F(GicV2, ACpuThatIsParkedIsWokenByTheNumberOfItsInterface)
{
    ASSERT_TRUE(set_up());
    gic.make_stores();
    arch::wake_parked_cpu(0x100, 5);
    EXPECT_EQ(gic.sent, std::vector<u64>{u64{1} << (16 + 5)});
    arch::wake_parked_cpu(0x100, 8); // there is no such interface
    EXPECT_EQ(gic.sent.size(), 1u);
}

} // namespace
} // namespace percival
