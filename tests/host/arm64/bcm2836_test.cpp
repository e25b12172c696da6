// SPDX-License-Identifier: BSD-2-Clause
// Tests the driver of the BCM2836's local interrupt controller on a strict model of its registers. Every test
// fails on an access that the model finds wrong.
#include "arch/arm64/devices/interrupt_controller_driver.hpp"
#include "arch/cpu/cpu_identity.hpp"
#include "arch/simulation/bcm2836_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace percival {
namespace {

using arch::Ipi;

constexpr std::array kAllIpis{Ipi::Call, Ipi::Backtrace, Ipi::Stop, Ipi::Reschedule, Ipi::Quiesce};
constexpr u32 kVirtualTimer = 19;
constexpr u32 kVirtualTimerBit = 1 << 3;
constexpr u32 kCores = Bcm2836Model::kCores;
constexpr u32 kEnough = 10; // no test has one source served so often at once

class Bcm2836 : public testing::Test {
protected:
    ~Bcm2836() override { EXPECT_EQ(controller.wrong_accesses, std::vector<std::string>{}); }

    arch::InterruptControllerResult init()
    {
        play(0);
        return arch::interrupt_controller_init(controller.description(), controller.registers());
    }
    arch::InterruptControllerResult init_cpu(CpuId cpu, u64 affinity)
    {
        play(affinity);
        return arch::interrupt_controller_init_cpu(cpu, affinity | u64{1} << 31);
    }
    // Sets all cores up; CPU n is core n. Core 0 is played afterwards.
    void set_up()
    {
        ASSERT_TRUE(init());
        for (const u32 core : {3u, 2u, 1u, 0u})
            ASSERT_TRUE(init_cpu(CpuId{core}, core));
        EXPECT_TRUE(controller.has_settled());
    }
    static void play(u64 affinity) { arch::played_affinity = affinity; }

    // Sends from core `from`. The IPI arrives.
    void send(u32 from, CpuId target, Ipi ipi)
    {
        play(from);
        controller.make_stores();
        arch::send_ipi(target, ipi);
        controller.arrive();
    }

    // What one interrupt of a core served: how often each number.
    using Served = std::map<u32, u32>;
    Served serve(u32 core)
    {
        play(core);
        Served served;
        arch::serve_interrupts(
            [&](Ipi ipi) {
                EXPECT_TRUE(controller.has_settled())
                    << "the handler must not run before the clear has arrived";
                ++served[static_cast<u32>(ipi)];
            },
            [&](u32 number) {
                if (++served[number] > kEnough)
                    throw std::logic_error{"an interrupt never ends"};
                controller.cores[core].timer_lines = 0;
            });
        return served;
    }

    Bcm2836Model controller;
};

TEST_F(Bcm2836, EveryIpiArrivesExactlyOnceAndAtItsTargetOnly)
{
    set_up();
    for (u32 from = 0; from < kCores; ++from) {
        for (u32 to = 0; to < kCores; ++to) {
            for (const Ipi ipi : kAllIpis) {
                send(from, CpuId{to}, ipi);
                for (u32 core = 0; core < kCores; ++core)
                    EXPECT_EQ(controller.source(core), core == to ? 0x10u : 0u);
                EXPECT_EQ(serve(to), (Served{{static_cast<u32>(ipi), 1}}));
                EXPECT_EQ(controller.source(to), 0u);
                EXPECT_TRUE(serve(to).empty());
            }
        }
    }
}

TEST_F(Bcm2836, IpisThatArriveTogetherAreAllServed)
{
    set_up();
    Served all;
    for (const Ipi ipi : kAllIpis) {
        send(1, CpuId{2}, ipi);
        all[static_cast<u32>(ipi)] = 1;
    }
    EXPECT_EQ(serve(2), all);
    EXPECT_EQ(controller.source(2), 0u);
}

TEST_F(Bcm2836, IpisOfOneKindThatArriveTogetherAreServedOnce)
{
    set_up();
    for (u32 from = 0; from < kCores; ++from)
        send(from, CpuId{0}, Ipi::Call);
    EXPECT_EQ(serve(0), (Served{{0, 1}}));
}

TEST_F(Bcm2836, AnIpiThatIsSentWhileItsLikeIsServedIsServedToo)
{
    set_up();
    send(1, CpuId{0}, Ipi::Call);
    play(0);
    u32 served = 0;
    arch::serve_interrupts(
        [&](Ipi ipi) {
            EXPECT_EQ(ipi, Ipi::Call);
            if (++served > 1)
                return;
            send(1, CpuId{0}, Ipi::Call);
            play(0);
        },
        [](u32) { ADD_FAILURE(); });
    EXPECT_EQ(served, 2u);
}

TEST_F(Bcm2836, AnIpiThatArrivesWhileAnotherIsServedIsServedAfterIt)
{
    set_up();
    send(1, CpuId{0}, Ipi::Call);
    play(0);
    const arch::Acknowledged first = arch::acknowledge_interrupt();
    EXPECT_EQ(first.intid, static_cast<u32>(Ipi::Call));
    send(2, CpuId{0}, Ipi::Quiesce);
    play(0);
    arch::complete_interrupt(first);
    EXPECT_EQ(serve(0), (Served{{static_cast<u32>(Ipi::Quiesce), 1}}));
}

TEST_F(Bcm2836, TheHandlerOfStopNeedNotReturn)
{
    set_up();
    send(1, CpuId{0}, Ipi::Stop);
    play(0);
    const arch::Acknowledged stop = arch::acknowledge_interrupt();
    EXPECT_EQ(stop.intid, static_cast<u32>(Ipi::Stop));
    arch::complete_interrupt(stop);
    EXPECT_EQ(controller.source(0), 0u) << "it interrupts no more, so that the CPU can sleep";
}

TEST_F(Bcm2836, NothingThatWasLeftPendingOrEnabledRemains)
{
    for (auto& core : controller.cores)
        core = {.timer_control = 0xff,
                .mailbox_control = 0xff,
                .mailboxes = {~0u, ~0u, ~0u, ~0u},
                .timer_lines = 0xf};
    controller.performance_routing = controller.performance_lines = 0xff;
    controller.bus_interrupt = ~0u;
    controller.local_timer_control = ~0u;
    controller.local_timer_rings = true;
    controller.peripheral_fast = 0xff;
    controller.peripheral_lines.fill(~0u);
    controller.peripheral_enables.fill(~0u);
    set_up();
    for (u32 core = 0; core < kCores; ++core) {
        EXPECT_EQ(controller.cores[core].timer_control, 0u);
        EXPECT_EQ(controller.cores[core].mailbox_control, 1u) << "mailbox 0 by IRQ, and nothing by FIQ";
        EXPECT_EQ(controller.cores[core].mailboxes, (std::array<u32, 4>{}));
        EXPECT_TRUE(serve(core).empty());
    }
    EXPECT_EQ(controller.performance_routing, 0u);
    EXPECT_EQ(controller.bus_interrupt, 0u);
    EXPECT_EQ(controller.local_timer_control, 0u);
    EXPECT_FALSE(controller.local_timer_rings);
    EXPECT_EQ(controller.peripheral_fast, 0u);
    EXPECT_EQ(controller.peripheral_enables, (std::array<u32, 3>{}));
}

TEST_F(Bcm2836, EachPeripheralInterruptThatWasLeftIsDisabled)
{
    for (u32 word = 0; word < 3; ++word) {
        controller.peripheral_lines[word] = controller.peripheral_enables[word] = u32{1} << (7 * word);
        set_up();
        EXPECT_EQ(controller.source(0), 0u) << word;
    }
}

TEST_F(Bcm2836, APeripheralInterruptThatNobodyCanDisableIsAnError)
{
    controller.has_peripherals = false;
    controller.peripheral_lines[1] = controller.peripheral_enables[1] = 1;
    controller.gpu_routing = 2;
    ASSERT_TRUE(init());
    ASSERT_TRUE(init_cpu(kBootCpu, 0));
    const auto ready = init_cpu(CpuId{2}, 2);
    ASSERT_FALSE(ready);
    EXPECT_NE(ready.error().find("brcm,bcm2836-armctrl-ic"), std::string_view::npos) << ready.error();
}

TEST_F(Bcm2836, ACpuThatIsSetUpLeavesTheOthersAlone)
{
    ASSERT_TRUE(init());
    controller.cores[1] = {
        .timer_control = 8, .mailbox_control = 1, .mailboxes = {1, 2, 3, 4}, .timer_lines = 0};
    ASSERT_TRUE(init_cpu(kBootCpu, 0));
    ASSERT_TRUE(init_cpu(CpuId{2}, 2));
    EXPECT_EQ(controller.cores[1].timer_control, 8u);
    EXPECT_EQ(controller.cores[1].mailboxes, (std::array<u32, 4>{1, 2, 3, 4}));
}

TEST_F(Bcm2836, BitsThatAreNoIpiAreDroppedAndInterruptNoMore)
{
    set_up();
    controller.cores[0].mailboxes[0] = ~arch::kIpiBits;
    EXPECT_TRUE(serve(0).empty());
    EXPECT_EQ(controller.source(0), 0u);
    controller.cores[0].mailboxes[0] = ~arch::kIpiBits | arch::ipi_bit(Ipi::Call);
    EXPECT_EQ(serve(0), (Served{{0, 1}}));
    EXPECT_EQ(controller.source(0), 0u);
}

TEST_F(Bcm2836, ASourceWhoseMailboxIsEmptyIsSpurious)
{
    set_up();
    controller.stale_mailbox_sources = 1;
    EXPECT_TRUE(arch::acknowledge_interrupt().is_spurious());
    EXPECT_TRUE(serve(0).empty());
}

TEST_F(Bcm2836, ATimerIsServedBesideASpuriousMailbox)
{
    set_up();
    arch::enable_private_interrupt(kVirtualTimer);
    controller.stale_mailbox_sources = 1;
    controller.cores[0].timer_lines = kVirtualTimerBit;
    EXPECT_EQ(serve(0), (Served{{kVirtualTimer, 1}}));
}

TEST_F(Bcm2836, NothingPendingIsSpurious)
{
    set_up();
    EXPECT_TRUE(arch::acknowledge_interrupt().is_spurious());
}

TEST_F(Bcm2836, AllSourcesThatArePendingAreServed)
{
    set_up();
    arch::enable_private_interrupt(kVirtualTimer);
    controller.cores[0].timer_lines = kVirtualTimerBit;
    send(0, CpuId{0}, Ipi::Reschedule);
    send(3, CpuId{0}, Ipi::Call);
    EXPECT_EQ(serve(0), (Served{{static_cast<u32>(Ipi::Call), 1},
                                {static_cast<u32>(Ipi::Reschedule), 1},
                                {kVirtualTimer, 1}}));
}

TEST_F(Bcm2836, ATimerIsServedOncePerAlarm)
{
    set_up();
    arch::enable_private_interrupt(kVirtualTimer);
    for (u32 alarm = 0; alarm < 3; ++alarm) {
        controller.cores[0].timer_lines = kVirtualTimerBit;
        EXPECT_EQ(serve(0), (Served{{kVirtualTimer, 1}}));
        EXPECT_TRUE(serve(0).empty());
    }
}

TEST_F(Bcm2836, EachTimerOfEachCoreIsEnabledAlone)
{
    set_up();
    for (u32 core = 0; core < kCores; ++core) {
        for (u32 timer = 0; timer < 4; ++timer) {
            play(core);
            arch::enable_private_interrupt(16 + timer);
            EXPECT_TRUE(controller.has_settled());
            for (u32 other = 0; other < kCores; ++other) {
                EXPECT_EQ(controller.cores[other].timer_control, other == core ? 1u << timer : 0u);
                controller.cores[other].timer_lines = 0xf;
            }
            EXPECT_EQ(arch::acknowledge_interrupt().intid, 16 + timer);
            arch::disable_private_interrupt(16 + timer);
            EXPECT_TRUE(controller.has_settled());
            EXPECT_EQ(controller.cores[core].timer_control, 0u);
            EXPECT_TRUE(arch::acknowledge_interrupt().is_spurious());
        }
    }
}

TEST_F(Bcm2836, OneTimersEnableKeepsTheOthers)
{
    set_up();
    arch::enable_private_interrupt(kVirtualTimer);
    arch::enable_private_interrupt(17);
    EXPECT_EQ(controller.cores[0].timer_control, 0xau);
    arch::disable_private_interrupt(17);
    EXPECT_EQ(controller.cores[0].timer_control, kVirtualTimerBit);
    // The local controller enables nothing but timers.
    arch::enable_private_interrupt(25);
    EXPECT_EQ(controller.cores[0].timer_control, kVirtualTimerBit);
}

TEST_F(Bcm2836, TheStateOfATimersInterruptIsReadBack)
{
    set_up();
    controller.cores[0].timer_lines = kVirtualTimerBit;
    auto state = arch::private_interrupt_state(kVirtualTimer);
    EXPECT_FALSE(state.enabled || state.pending || state.active);
    EXPECT_FALSE(state.in_group_1.has_value());
    arch::enable_private_interrupt(kVirtualTimer);
    state = arch::private_interrupt_state(kVirtualTimer);
    EXPECT_TRUE(state.enabled && state.pending);
    controller.cores[0].timer_lines = 0xf & ~kVirtualTimerBit;
    EXPECT_FALSE(arch::private_interrupt_state(kVirtualTimer).pending);
    EXPECT_FALSE(arch::private_interrupt_state(17).enabled);
}

TEST_F(Bcm2836, CpusAreFoundByAff0AndNotByTheirNumber)
{
    ASSERT_TRUE(init());
    ASSERT_TRUE(init_cpu(kBootCpu, 2));
    ASSERT_TRUE(init_cpu(CpuId{1}, 0x0300)); // Aff1 is the cluster's, of which there is one
    ASSERT_TRUE(init_cpu(CpuId{7}, 3));
    send(2, CpuId{7}, Ipi::Call);
    EXPECT_EQ(controller.source(3), 0x10u);
    EXPECT_EQ(serve(3), (Served{{0, 1}}));
    send(3, kBootCpu, Ipi::Call);
    EXPECT_EQ(serve(2), (Served{{0, 1}}));
    send(3, CpuId{1}, Ipi::Call);
    EXPECT_EQ(serve(0), (Served{{0, 1}}));
}

TEST_F(Bcm2836, ACpuBeyondTheFourCoresIsRefused)
{
    set_up();
    for (const u64 affinity : {4u, 5u, 0xffu}) {
        const auto ready = init_cpu(CpuId{4}, affinity);
        ASSERT_FALSE(ready);
        EXPECT_NE(ready.error().find("serves four CPUs"), std::string_view::npos) << ready.error();
    }
}

TEST_F(Bcm2836, ACpuThatLeavesTakesNoInterrupt)
{
    set_up();
    arch::enable_private_interrupt(kVirtualTimer);
    arch::interrupt_controller_leave_cpu();
    EXPECT_TRUE(controller.has_settled());
    controller.cores[0].timer_lines = 0xf;
    send(1, CpuId{0}, Ipi::Call);
    EXPECT_EQ(controller.source(0), 0u);
}

TEST_F(Bcm2836, ACpuThatComesBackTakesNothingThatWasSentMeanwhile)
{
    set_up();
    arch::interrupt_controller_leave_cpu();
    send(1, CpuId{0}, Ipi::Stop);
    ASSERT_TRUE(init_cpu(kBootCpu, 0));
    EXPECT_TRUE(serve(0).empty());
    send(1, CpuId{0}, Ipi::Call);
    EXPECT_EQ(serve(0), (Served{{0, 1}}));
}

TEST_F(Bcm2836, AnUnexpectedSourceIsServedByItsNumber)
{
    set_up();
    controller.performance_routing = controller.performance_lines = 1;
    EXPECT_EQ(arch::acknowledge_interrupt().intid, 25u);
}

TEST_F(Bcm2836, TooFewRegistersAreRefused)
{
    InterruptControllerDescription description = controller.description();
    description.local.size = description.local.size - Bytes{1};
    EXPECT_FALSE(arch::interrupt_controller_init(description, controller.registers()));
}

TEST_F(Bcm2836, TheSummaryNamesIt)
{
    set_up();
    EXPECT_EQ(arch::interrupt_controller_name(), "BCM2836");
}

} // namespace
} // namespace percival
