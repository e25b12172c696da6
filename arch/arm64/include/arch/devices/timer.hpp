// SPDX-License-Identifier: BSD-2-Clause
// The generic timer: the virtual count as a clock, and the EL1 virtual timer as a one-shot alarm of the
// calling CPU. Arm ARM D12, The Generic Timer in AArch64 state. Any context, unless a function says
// otherwise.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Takes the frequency, from CNTFRQ_EL0 or the device tree. Boot CPU, once, before the clock is used.
// False: the frequency is zero, there is no usable timer.
bool timer_init(const TimerDescription& timer);

// Ticks of the clock since some moment before boot; the same on every CPU, never goes back.
u64 timer_ticks();
u64 timer_frequency(); // Hz
u64 timer_nanoseconds();

// INTID of this CPU's alarm.
u32 timer_interrupt();

// Raises the alarm interrupt on this CPU in `ticks` from now (0: at once), replacing an alarm not yet raised.
void timer_set_alarm(u64 ticks);
// No alarm. Also how the handler lowers the interrupt.
void timer_cancel_alarm();

} // namespace percival::arch
