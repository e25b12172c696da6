// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/tick.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/lib/patience.hpp"
#include "kernel/report/watchdog.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/timers.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/this_cpu.hpp"

#include <algorithm>
#include <atomic>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> ticks{};
PERCIVAL_PERCPU PerCpu<u64> next_tick{};
PERCIVAL_PERCPU PerCpu<AlarmHandler> alarm_handler{};

u64 period()
{
    return this_cpu_is_idle() ? arch::timer_frequency() : arch::timer_frequency() / kTicksPerSecond;
}

// Returns when the alarm has to ring next. If the next tick is more than a period away, as it can be when the
// CPU ceases to be idle, it is brought forward. A CPU that becomes idle keeps its next tick, which comes
// sooner.
u64 next_event(u64 now)
{
    const u64 tick = std::min(this_cpu<next_tick>.read(), now + period());
    this_cpu<next_tick>.write(tick);
    return std::min(tick, Timer::first_time()); // INV-timers-1
}

void tick(u64 now)
{
    ticks.inc();
    this_cpu<next_tick>.write(now + period());
    check_watchdog();
    scheduler_tick();
}

// Waits, with interrupts unmasked, until this CPU's alarm has rung. Returns false if it does not.
bool tick_comes()
{
    const u64 before = tick_count(this_cpu_id());
    const u64 seconds = patient_seconds(kFirstAlarmSeconds, possible_cpu_count());
    const u64 deadline = arch::timer_ticks() + seconds * arch::timer_frequency();
    const auto has_come = [before] { return tick_count(this_cpu_id()) != before; };
    arch::unmask_interrupts();
    while (!has_come() && arch::timer_ticks() < deadline)
        arch::relax();
    arch::mask_interrupts();
    return has_come();
}

} // namespace

void SilentTimer::describe(Writer& out) const
{
    format(out, "the timer does not interrupt: INTID {} {}, {} and {}, in Group {}; the timer {}", intid,
           interrupt.enabled ? "is enabled" : "stays disabled", interrupt.pending ? "pending" : "not pending",
           interrupt.active ? "active" : "not active", interrupt.in_group_1 ? 1 : 0,
           rings ? "rings" : "does not ring");
}

std::expected<void, SilentTimer> start_tick()
{
    const u32 intid = arch::timer_interrupt();
    arch::enable_private_interrupt(intid);
    const bool enabled = arch::private_interrupt_state(intid).enabled;
    take_over_alarm([] {});
    arch::timer_set_alarm(0);
    const bool silent = !enabled || !tick_comes();
    const SilentTimer state{intid, arch::private_interrupt_state(intid), arch::timer_rings()};
    this_cpu<next_tick>.write(arch::timer_ticks() + period());
    take_over_alarm(nullptr);
    if (!silent)
        return {};
    stop_tick();
    return std::unexpected{state};
}

void stop_tick()
{
    const arch::InterruptMask masked;
    arch::disable_private_interrupt(arch::timer_interrupt());
    arch::timer_cancel_alarm();
}

void program_alarm()
{
    if (this_cpu<alarm_handler>.read() != nullptr)
        return;
    const u64 now = arch::timer_ticks();
    const u64 event = next_event(now);
    arch::timer_set_alarm(event > now ? event - now : 0);
}

void handle_tick()
{
    if (const AlarmHandler handler = this_cpu<alarm_handler>.read()) {
        arch::timer_cancel_alarm();
        ticks.inc();
        check_watchdog();
        return handler();
    }
    const u64 now = arch::timer_ticks();
    if (now >= this_cpu<next_tick>.read())
        tick(now);
    Timer::run_due(now);
    program_alarm();
}

u64 tick_count(CpuId cpu)
{
    return std::atomic_ref{ticks.on(cpu)}.load(std::memory_order_relaxed);
}

void take_over_alarm(AlarmHandler handler)
{
    arch::InterruptMask masked; // no alarm between the old handler and the new one
    arch::timer_cancel_alarm();
    this_cpu<alarm_handler>.write(handler);
    if (handler == nullptr)
        program_alarm();
}

} // namespace percival
