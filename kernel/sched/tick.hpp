// SPDX-License-Identifier: BSD-2-Clause
// The tick: the timer of a CPU fires at a steady rate while the CPU runs threads. The tick ends time slices,
// and makes time-outs noticed whatever the CPU does. The timer of an idle CPU is set only for the first
// software timer of that CPU (kernel/sched/timers.hpp) and for once a second. The latter lets an idle CPU
// find a test that hangs on another CPU with interrupts masked.
#pragma once

#include "arch/devices/interrupt_controller.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <expected>

namespace percival {

inline constexpr u32 kTicksPerSecond = 50;

// A timer that does not interrupt, and what the hardware says of it.
struct SilentTimer {
    u32 intid;
    arch::PrivateInterruptState interrupt;
    bool rings;         // the time of the alarm has come
    bool counter_moves; // else nothing above tells much
    bool is_anothers;   // it is pending though no alarm is set

    void describe(Writer& out) const;
};

// Starts the tick of the calling CPU, and waits for a first alarm. Without a tick no time slice would end and
// no hang would be noticed. The wait ends after patient_seconds() of kFirstAlarmSeconds in which the CPU has
// looked often enough, or at once if the interrupt controller does not accept the enable, the counter stands
// still, or another device raises the interrupt; the tick is stopped then. Interrupts masked, but unmasked
// during the wait.
inline constexpr u32 kFirstAlarmSeconds = 2;
[[nodiscard]] std::expected<void, SilentTimer> start_tick();
// Stops the tick of the calling CPU before it goes offline. Interrupts masked or not.
void stop_tick();

// Handles the alarm interrupt: counts the tick, sets the next alarm, and runs the timers that are due.
// Interrupts masked.
void handle_tick();

// Sets the alarm of the calling CPU again, after its first timer has changed or after it became idle or
// ceased to be. Interrupts masked.
void program_alarm();

// Returns how often the tick of `cpu` has fired. Any context.
u64 tick_count(CpuId cpu);

// Replaces the tick of the calling CPU by `handler`, which is called at every alarm. No alarm is set at
// first: the caller, and then the handler, sets each one by arch::timer_set_alarm(). A null handler restores
// the tick. For tests that need interrupts at moments of their choice: meanwhile no timer rings and no time
// slice ends.
using AlarmHandler = void (*)();
void take_over_alarm(AlarmHandler handler);

} // namespace percival
