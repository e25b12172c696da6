// SPDX-License-Identifier: BSD-2-Clause
// What makes a switch of threads due that the running thread did not ask for, and the end of an interrupt,
// where it takes place. The count and the guards that put it off: kernel/sync/preemption.hpp.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/sync/preemption.hpp"

namespace percival {

// Makes a switch due on `cpu`.
void request_switch(CpuId cpu);
// The Ipi::Reschedule handler: makes a switch due here.
void make_switch_due();
// At the end of an interrupt, masked, on the interrupted thread's stack.
void switch_at_interrupt_return();
// One tick of the running thread. Interrupts masked.
void scheduler_tick();

} // namespace percival
