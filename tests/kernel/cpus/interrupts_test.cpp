// SPDX-License-Identifier: BSD-2-Clause
// Tests IPIs, calls and the timer.
#include "arch/cpu/poll.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/cpu/sysreg.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/alarm_storm.hpp"
#include "tests/kernel/support/alarm_time.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/interrupted_cpus.hpp"
#include "tests/kernel/support/spin.hpp"
#include "tests/kernel/support/thread_group.hpp"

#include <algorithm>

namespace percival {
namespace {

// The state of the code that the current exception interrupted.
struct Interrupted {
    PERCIVAL_SYSTEM_REGISTER(Interrupted, "spsr_el1")
    using SystemErrorsMasked = arch::Field<8>;
};

PERCIVAL_PERCPU PerCpu<u64> calls{};
PERCIVAL_PERCPU PerCpu<u64> alarm_time{};

void clear_calls()
{
    for_each_online_cpu([](CpuId cpu) { calls.on(cpu) = 0; });
}

PERCIVAL_TEST(interrupts, a_call_runs_on_the_cpu_it_was_sent_to)
{
    for_each_online_cpu([](CpuId target) {
        CpuId ran_on{kMaxCpus};
        bool masked = false;
        call_on(target, [&] {
            ran_on = this_cpu_id();
            masked = arch::interrupts_masked();
        });
        EXPECT_EQ(ran_on, target);
        EXPECT(masked);
    });
}

// Expects that the calling thread takes system errors, and still does after it was preempted and after it
// blocked.
void expect_thread_takes_system_errors(CpuId self)
{
    EXPECT(!arch::system_errors_masked());
    const u64 before = tick_count(self);
    while (tick_count(self) < before + 2)
        arch::relax();
    EXPECT(!arch::system_errors_masked());
    sleep_for_nanoseconds(100'000);
    EXPECT(!arch::system_errors_masked());
}

PERCIVAL_TEST(interrupts, every_thread_takes_system_errors_and_no_handler_does)
{
    run_everywhere([](CpuId self) { expect_thread_takes_system_errors(self); });
    auto body = [](u32 number) {
        if (is_online(CpuId{number})) // otherwise the thread runs elsewhere
            expect_thread_takes_system_errors(CpuId{number});
    };
    {
        // Two on each CPU, so that they preempt each other.
        const auto stays = [](u32 cpu) { return ThreadOptions{.affinity = CpuSet::only(CpuId{cpu})}; };
        ThreadGroup first{possible_cpu_count(), body, stays};
        ThreadGroup second{possible_cpu_count(), body, stays};
    }
    // What the call interrupts is mostly an idle thread.
    for_each_online_cpu([](CpuId cpu) {
        const PreemptGuard pin;
        auto handler = [] {
            EXPECT(arch::system_errors_masked());
            EXPECT_EQ(Interrupted::read().get<Interrupted::SystemErrorsMasked>(), 0u);
        };
        call_detail::call_by_interrupt(cpu, &call_detail::invoke<decltype(handler)>, &handler);
    });
}

PERCIVAL_TEST(interrupts, calls_from_all_cpus_to_all_cpus_arrive_exactly_once)
{
    clear_calls();
    // The number of pairs is bounded, so that 160 CPUs do not mean 25600 calls.
    const u32 count = possible_cpu_count();
    const u32 reach = std::min<u32>(count, 8);
    run_everywhere([count, reach](CpuId self) {
        for (u32 distance = 0; distance < reach; ++distance) {
            const CpuId target{(self.index() + distance) % count};
            if (is_online(target))
                call_on(target, [] { calls.inc(); });
        }
    });
    for_each_online_cpu([count, reach](CpuId target) {
        u64 callers = 0;
        for (u32 distance = 0; distance < reach; ++distance)
            callers += is_online(CpuId{(target.index() + count - distance) % count});
        EXPECT_EQ(calls.on(target), callers);
    });
}

PERCIVAL_TEST(interrupts, a_broadcast_reaches_every_other_cpu_once)
{
    clear_calls();
    call_on_others([] { calls.inc(); });
    for_each_online_cpu([](CpuId cpu) { EXPECT_EQ(calls.on(cpu), cpu == kBootCpu ? 0u : 1u); });
}

PERCIVAL_TEST(interrupts, writes_are_visible_to_a_call_and_after_it)
{
    for_each_online_cpu([](CpuId target) {
        u64 there = 17;
        u64 back = 0;
        call_on(target, [&] { back = there + 1; });
        EXPECT_EQ(back, 18u);
    });
}

PERCIVAL_TEST(interrupts, the_tick_fires_on_every_cpu_and_is_never_more_than_a_period_away)
{
    run_everywhere([](CpuId self) {
        for (u32 ticks = 0; ticks < 2; ++ticks) {
            {
                const arch::InterruptMask masked;
                EXPECT(time_of_alarm() <= arch::timer_ticks() + arch::timer_frequency() / kTicksPerSecond);
            }
            const u64 before = tick_count(self);
            while (tick_count(self) == before)
                arch::relax();
        }
    });
}

void note_alarm()
{
    alarm_time.write(arch::timer_ticks());
}

PERCIVAL_TEST(interrupts, an_alarm_fires_once_and_not_early)
{
    run_everywhere([](CpuId) {
        const u64 delay = arch::timer_frequency() / 1000;
        alarm_time.write(0);
        take_over_alarm(&note_alarm);
        const u64 due = arch::timer_ticks() + delay;
        arch::timer_set_alarm(delay);
        while (alarm_time.read() == 0)
            arch::relax();
        EXPECT(alarm_time.read() >= due);
        alarm_time.write(0);
        while (arch::timer_ticks() < due + 2 * delay)
            arch::relax();
        EXPECT_EQ(alarm_time.read(), 0u);
        take_over_alarm(nullptr);
    });
}

// Each alarm is set for now when its handler ends, so it would always come before the loop goes on.
PERCIVAL_TEST(interrupts, a_loop_goes_on_however_fast_its_alarms_come)
{
    run_everywhere([](CpuId cpu) {
        if (cpu.index() >= kInterruptedCpus)
            return;
        for (AlarmStorm storm{200, 2 * arch::timer_frequency(), [] {}}; storm.next_turn();)
            arch::relax();
    });
}

PERCIVAL_TEST(interrupts, a_muted_alarm_is_not_pending_and_fires_afterwards)
{
    run_everywhere([](CpuId) {
        const auto is_pending = [] { return arch::private_interrupt_state(arch::timer_interrupt()).pending; };
        alarm_time.write(0);
        take_over_alarm(&note_alarm);
        {
            const arch::InterruptMask masked;
            arch::timer_set_alarm(0);
            EXPECT(arch::poll_until(is_pending));
            {
                const arch::AlarmMute mute;
                EXPECT(arch::poll_until([&] { return !is_pending(); }));
            }
            EXPECT(arch::poll_until(is_pending));
            EXPECT(arch::timer_rings());
            EXPECT_EQ(alarm_time.read(), 0u);
        }
        while (alarm_time.read() == 0)
            arch::relax();
        take_over_alarm(nullptr);
    });
}

PERCIVAL_TEST(interrupts, the_clock_does_not_go_back_between_cpus)
{
    for_each_online_cpu([](CpuId cpu) {
        const u64 before = arch::timer_ticks();
        u64 there = 0;
        call_on(cpu, [&there] { there = arch::timer_ticks(); });
        EXPECT(there >= before);
        EXPECT(arch::timer_ticks() >= there);
    });
}

} // namespace
} // namespace percival
