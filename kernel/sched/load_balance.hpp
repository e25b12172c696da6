// SPDX-License-Identifier: BSD-2-Clause
// Load balancing: moves threads to CPUs with less to do. The idle thread of a CPU whose queue is empty pulls
// one (kernel/sched/idle_thread.cpp). A CPU with more threads than another pushes one from time to time.
// Private to the scheduler (kernel/sched/run_queue.hpp). All functions: interrupts masked, no queue locked.
//
// The lengths of the queues are compared without their locks and so are hints (INV-run_queue-2). A wrong
// guess costs a needless move, which the next comparison corrects.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Moves one thread from the queue of `from` to that of `to`. Returns false if no thread there can be spared
// and may run on `to`.
bool hand_over(CpuId from, CpuId to);

// Periodic push: every few calls, moves a thread to a CPU that has at least two fewer. Called by the tick of
// `self` while that CPU is not idle.
void push_on_tick(CpuId self);

} // namespace percival
