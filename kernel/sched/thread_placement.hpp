// SPDX-License-Identifier: BSD-2-Clause
// Placement decides which CPU's queue a thread joins. In this order: the CPU that the thread asked for; its
// last CPU if that is idle; another idle CPU; the CPU with the shortest queue.
//
// INV-thread_placement-1: a thread joins a queue only if it may run on that CPU, which is checked with the
//                         queue's lock held. A change of the affinity under that lock, or the removal of the
//                         CPU from the active CPUs before taking the lock, therefore finds every thread on
//                         the queue that must not stay there.
#pragma once

#include "kernel/lib/cpu_set.hpp"
#include "kernel/sched/thread.hpp"

namespace percival {

// Makes the block() of a thread return, or its next block() if it is not in one now. Any context.
void wake(Thread& thread);

namespace thread_detail {
// Queues a thread that has never run.
void make_ready(Thread& thread);
} // namespace thread_detail

// --- Private to the scheduler (kernel/sched/run_queue.hpp)

// The CPUs that accept threads, and the CPUs that run their idle thread.
extern SharedCpuSet active_cpu_set;
extern SharedCpuSet idle_cpu_set;

// Returns whether the thread may run on `cpu` now: the CPU accepts threads, and it is in the thread's
// affinity or no CPU of that affinity accepts threads.
inline bool may_run_on(const Thread& thread, CpuId cpu)
{
    return active_cpu_set.contains(cpu) &&
           (thread.affinity.contains(cpu) || !active_cpu_set.intersects(thread.affinity));
}

// Puts a thread that the caller owns (state Moving) on a queue. Interrupts masked, no queue locked.
void place(Thread& thread);

} // namespace percival
