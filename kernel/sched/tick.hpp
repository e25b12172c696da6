// SPDX-License-Identifier: BSD-2-Clause
// The tick: a CPU's timer fires at a steady rate while it runs threads, for time slices and so that time-outs
// are noticed whatever the CPU does. An idle CPU has its timer set for its first timer only (kernel/sched/timers.hpp),
// and for once a second, so that a test that hangs with its own CPU's interrupts masked is found.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

inline constexpr u32 kTicksPerSecond = 50;

// Starts the calling CPU's tick, and stops it before the CPU goes offline. Interrupts masked or not.
void start_tick();
void stop_tick();

// The alarm interrupt's handler: counts, re-arms, and runs what waits for time to pass. Interrupts masked.
void handle_tick();

// Sets the alarm of the calling CPU anew: its first timer has changed, or it became idle or ceased to be.
// Interrupts masked.
void program_alarm();

// How often the tick of `cpu` has fired. Any context.
u64 tick_count(CpuId cpu);

// Replaces the calling CPU's tick by `handler`, called at every alarm. No alarm is set yet; the next one is
// always armed with arch::timer_set_alarm(). Null gives the tick back. For tests that need interrupts at
// moments of their own: no timer rings meanwhile, and no time slice ends.
using AlarmHandler = void (*)();
void take_over_alarm(AlarmHandler handler);

} // namespace percival
