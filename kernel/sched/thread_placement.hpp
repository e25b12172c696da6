// SPDX-License-Identifier: BSD-2-Clause
// Which CPU's queue a thread joins: that of the CPU it asked for, or where it was if that is idle, or of
// another idle one, or the shortest.
//
// INV-thread_placement-1: a thread joins a queue only if, with the queue's lock held, it may run on that CPU.
//                         So whoever changes its affinity under the lock, or takes the CPU out of the active
//                         ones and takes the lock then, finds every thread there that must not stay.
#pragma once

#include "kernel/lib/cpu_set.hpp"
#include "kernel/sched/thread.hpp"

namespace percival {

// Ends a thread's block(), or its next one if it does not block now. Any context.
void wake(Thread& thread);

namespace thread_detail {
// Queues a thread that has never run.
void make_ready(Thread& thread);
} // namespace thread_detail

// --- Private to the scheduler (kernel/sched/run_queue.hpp)

// CPUs that take threads, and those of them that run none.
extern SharedCpuSet active_cpu_set;
extern SharedCpuSet idle_cpu_set;

// Where the thread may run now: what it asked for, or anywhere if that takes no threads.
bool may_run_on(const Thread& thread, CpuId cpu);

// Queues a thread that the caller owns (state Moving). Interrupts masked, no queue locked.
void place(Thread& thread);

} // namespace percival
