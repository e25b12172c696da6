// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/tick.hpp"

#include "arch/cpu/poll.hpp"
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

// How often a CPU looks for its first alarm at least: a few hundred milliseconds under QEMU's TCG.
constexpr u32 kFirstAlarmLooks = 10 * arch::kPollLimit;

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
    check_watchdog(period());
    scheduler_tick();
}

// Returns whether the counter counts. Every time limit relies on it.
bool counter_moves()
{
    const u64 before = arch::timer_ticks();
    return arch::poll_until([before] { return arch::timer_ticks() != before; });
}

// Returns whether the interrupt stays pending although no alarm is set: another device raises it then. The
// controller would take its line for another interrupt again and again.
bool is_raised_by_another(u32 intid)
{
    return !arch::poll_until([intid] { return !arch::private_interrupt_state(intid).pending; });
}

// Waits, with interrupts unmasked, until this CPU's alarm has rung. Returns false if it does not.
bool tick_comes()
{
    const u64 before = tick_count(this_cpu_id());
    const u64 seconds = patient_seconds(kFirstAlarmSeconds, possible_cpu_count());
    const u64 deadline = arch::timer_ticks() + seconds * arch::timer_frequency();
    const auto has_come = [before] { return tick_count(this_cpu_id()) != before; };
    // The counter of a virtual machine goes on while the host runs neither this CPU nor its timer. So the
    // time limit counts only together with what this CPU has executed.
    u32 looks = 0;
    arch::unmask_interrupts();
    while (!has_come() && (arch::timer_ticks() < deadline || looks < kFirstAlarmLooks)) {
        ++looks;
        arch::relax();
    }
    arch::mask_interrupts();
    return has_come();
}

} // namespace

void SilentTimer::describe(Writer& out) const
{
    if (!counter_moves)
        return out.put("the timer does not interrupt: its counter, CNTVCT_EL0, stands still");
    if (is_anothers)
        return format(out,
                      "the timer does not interrupt: interrupt {} is pending without an alarm, so another "
                      "device raises it",
                      intid);
    format(out, "the timer does not interrupt: interrupt {} {}, {} and {}", intid,
           interrupt.enabled ? "is enabled" : "stays disabled", interrupt.pending ? "pending" : "not pending",
           interrupt.active ? "active" : "not active");
    if (interrupt.in_group_1)
        format(out, ", in Group {}", *interrupt.in_group_1 ? 1 : 0);
    format(out, "; the timer {}", rings ? "rings" : "does not ring");
}

std::expected<void, SilentTimer> start_tick()
{
    const u32 intid = arch::timer_interrupt();
    const bool moves = counter_moves();
    take_over_alarm([] {});
    // A BCM2836 tells only of enabled interrupts whether they are pending.
    arch::enable_private_interrupt(intid);
    const bool enabled = arch::private_interrupt_state(intid).enabled;
    const bool is_anothers = is_raised_by_another(intid);
    // In 10 us, and at least one count: it rings only if the counter gets there.
    arch::timer_set_alarm(arch::timer_frequency() / 100'000 + 1);
    const bool silent = !moves || is_anothers || !enabled || !tick_comes();
    const SilentTimer state{.intid = intid,
                            .interrupt = arch::private_interrupt_state(intid),
                            .rings = arch::timer_rings(),
                            .counter_moves = moves,
                            .is_anothers = is_anothers};
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
        check_watchdog(period());
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
