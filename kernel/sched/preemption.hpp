// SPDX-License-Identifier: BSD-2-Clause
// Preemption: requests a thread switch that the running thread did not ask for, and performs it at the end of
// an interrupt. kernel/sync/preemption.hpp has the count and the guards that delay it.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/sync/preemption.hpp"

namespace percival {

// Makes a switch due on `cpu`, by an interrupt if that is another CPU. Any context.
void request_switch(CpuId cpu);
// Handles Ipi::Reschedule: makes a switch due on this CPU.
void make_switch_due();
// Switches threads if that is due and the interrupted thread has no reason to stay. Called at the end of an
// interrupt, interrupts masked, on the stack of the interrupted thread.
void switch_at_interrupt_return();
// Charges one tick to the running thread, and makes a switch due when its time slice is over. Also balances
// the load. Interrupts masked.
void scheduler_tick();

} // namespace percival
