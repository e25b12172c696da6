// SPDX-License-Identifier: BSD-2-Clause
// From one thread of a CPU to the next: how a thread gives its CPU up. INV-scheduler-1 and INV-scheduler-2
// (kernel/sched/scheduler.hpp) are kept here.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Blocks the calling thread until it is woken; returns at once if it was woken since it last returned. May
// return without a reason: callers look again.
void block();

// Goes behind the threads of its priority.
void yield();

// Sleeps. Blocks.
void sleep_for_nanoseconds(u64 nanoseconds);

// --- Private to the scheduler (kernel/sched/run_queue.hpp)

// Why the running thread stops running.
enum class Leave : u8 { Preempted, Yields, Blocks, Exits };

// Interrupts masked. Returns when the calling thread runs again: at once, if it stays the best one.
void switch_threads(Leave why);

} // namespace percival
