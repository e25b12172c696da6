// SPDX-License-Identifier: BSD-2-Clause
// Tests timers and the alarm: a cancelled timer is out of use, and each CPU's alarm is set no later than its
// first timer and its next tick.
#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/stop_machine.hpp"
#include "tests/kernel/support/alarm_time.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/thread_group.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;

struct Ringing {
    std::atomic<bool> begun{false}, cancelled{false}, ended{false};

    // Goes on until cancel() has returned, which must not happen, or until the boot CPU, on which cancel()
    // runs, has waited for three ticks.
    static void ring(void* self)
    {
        auto* const state = static_cast<Ringing*>(self);
        state->begun.store(true);
        const u64 before = tick_count(kBootCpu);
        while (!state->cancelled.load() && tick_count(kBootCpu) < before + 3)
            arch::relax();
        state->ended.store(true);
    }
};

PERCIVAL_TEST(timers, cancel_waits_until_the_function_has_returned)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    Ringing state;
    Timer timer{&Ringing::ring, &state};
    call_on(nth_online_cpu(1), [&timer] { timer.start(0); });
    while (!state.begun.load())
        arch::relax();
    EXPECT(!timer.cancel());
    const bool ended = state.ended.load();
    state.cancelled.store(true);
    EXPECT(ended);
    while (!state.ended.load())
        arch::relax();
    timer.cancel();
}

PERCIVAL_TEST(timers, the_alarm_is_set_for_a_timer_that_comes_before_the_next_tick)
{
    run_everywhere([](CpuId) {
        // Only a tick that is due between two instructions could hide that the alarm was not set. It would
        // have to be due in each round.
        for (u32 round = 0; round < 4; ++round) {
            Timer timer{[](void*) {}, nullptr};
            {
                const arch::InterruptMask masked;
                timer.start(0);
                EXPECT(time_of_alarm() <= arch::timer_ticks());
            }
            timer.cancel();
        }
    });
}

// As when a CPU goes offline: another one takes over its timers and sets its own alarm for them.
PERCIVAL_TEST(timers, the_alarm_is_set_for_timers_that_come_from_another_cpu)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const CpuId other = nth_online_cpu(1);
    Timer timer{[](void*) {}, nullptr};
    call_on(other, [&timer] { timer.start(10 * kNanosecondsPerSecond); });
    stop_machine([other] {
        arch::timer_set_alarm(20 * arch::timer_frequency());
        const u64 before = arch::timer_ticks();
        Timer::move_from(other);
        const u64 took = arch::timer_ticks() - before;
        EXPECT(time_of_alarm() <= Timer::first_time() + took || time_of_alarm() <= arch::timer_ticks());
    });
    EXPECT(timer.cancel());
}

// Sets the alarm of an idle CPU far into the future. The switch to a thread must set it again.
PERCIVAL_TEST(timers, a_cpu_that_ceases_to_be_idle_has_its_next_tick_within_a_period)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const CpuId cpu = nth_online_cpu(1);
    std::atomic<bool> begun{false};
    bool in_time = false;
    Completion go;
    auto body = [&](u32) {
        begun.store(true);
        go.wait();
        const arch::InterruptMask masked;
        in_time = time_of_alarm() <= arch::timer_ticks() + arch::timer_frequency() / kTicksPerSecond;
    };
    {
        ThreadGroup group{1, body, [cpu](u32) { return on_cpu(cpu); }};
        for (bool is_set = false; !is_set; yield()) {
            if (!begun.load())
                continue;
            call_on(cpu, [&is_set] {
                is_set = is_idle_thread(current_thread());
                if (is_set)
                    arch::timer_set_alarm(20 * arch::timer_frequency());
            });
        }
        go.complete();
    }
    EXPECT(in_time);
}

} // namespace
} // namespace percival
