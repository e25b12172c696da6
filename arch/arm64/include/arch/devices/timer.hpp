// SPDX-License-Identifier: BSD-2-Clause
// The generic timer (Arm ARM D12, The Generic Timer in AArch64 state): the virtual count is the clock, and a
// timer is a one-shot alarm of the calling CPU. At EL1 that is the EL1 virtual timer. At EL2 its registers'
// names stand for those of the EL2 virtual timer. Where that has no interrupt, it is the EL2 physical timer,
// which counts the same there. Any context, unless a function says otherwise.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <optional>

namespace percival::arch {

// The timer that serves as the alarm.
struct Alarm {
    u32 interrupt;    // INTID
    bool is_physical; // LevelCondition::WithPhysicalTimer: its registers have other names
};

// Returns the alarm of a kernel at this exception level; nothing if the firmware names no interrupt of a
// timer of EL2. Also on the host.
std::optional<Alarm> alarm_at(u64 level, const TimerDescription& timer);

// Takes the frequency from the device tree, or from CNTFRQ_EL0 if the tree gives none. Returns false if the
// frequency is zero: there is no usable timer then. Boot CPU, once, before the clock is used.
bool timer_init(const TimerDescription& timer, const Alarm& alarm);

// Prepares reads of the clock on this CPU, which may have an erratum. Every other CPU, before it uses the
// clock.
void timer_init_cpu();

// Writes how the count has to be read because of errata, each with a comma before it; nothing if one read
// suffices.
void describe_counter_errata(Writer& out);

// Returns the ticks of the clock since some moment before boot. All CPUs read the same clock, and it never
// goes back.
u64 timer_ticks();
u64 timer_frequency(); // Hz
u64 timer_nanoseconds();

// Returns the INTID of a CPU's alarm, which is the same on every CPU.
u32 timer_interrupt();

// Sets this CPU's alarm: it interrupts `ticks` from now (0: at once). Replaces an alarm that has not come
// yet.
void timer_set_alarm(u64 ticks);
// Cancels this CPU's alarm. The handler of the alarm lowers the interrupt line so.
void timer_cancel_alarm();
// Returns whether the time of this CPU's alarm has come. It then holds the interrupt line high, unless it is
// muted. CNTV_CTL_EL0.IMASK does not count: a hypervisor may set it before it passes the interrupt on (Xen).
bool timer_rings();

// Keeps this CPU's alarm from interrupting for the lifetime of the object: an alarm whose time comes
// meanwhile interrupts afterwards. Interrupts masked throughout; the alarm is neither set nor cancelled. A
// pending interrupt ends every arch::wait_for_interrupt(), even while interrupts are masked, so that a CPU
// with a pending alarm cannot sleep.
class AlarmMute {
public:
    AlarmMute();
    ~AlarmMute();
    AlarmMute(const AlarmMute&) = delete;
    AlarmMute& operator=(const AlarmMute&) = delete;
};

} // namespace percival::arch
