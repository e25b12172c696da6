// SPDX-License-Identifier: BSD-2-Clause
// The tick: every CPU's timer fires at a steady rate, so that time-outs are noticed whatever the CPUs do.
#pragma once

#include "kernel/types.hpp"

namespace percival {

inline constexpr u32 kTicksPerSecond = 50;

// Starts the calling CPU's tick. Interrupts masked or not, once per CPU.
void start_tick();

// The alarm interrupt's handler: counts, re-arms, and runs what waits for time to pass. Interrupts masked.
void handle_tick();

// How often the tick of `cpu` has fired. Any context.
u64 tick_count(CpuId cpu);

// Replaces the calling CPU's tick by `handler`, called at every alarm. No alarm is set yet; the next one is
// always armed with arch::timer_set_alarm(). Null gives the tick back. For tests that need interrupts at
// moments of their own.
using AlarmHandler = void (*)();
void take_over_alarm(AlarmHandler handler);

} // namespace percival
