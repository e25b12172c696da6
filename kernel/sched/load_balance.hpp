// SPDX-License-Identifier: BSD-2-Clause
// Load balancing: moves threads to CPUs with less to do. The idle thread of a CPU whose queue is empty pulls
// one (kernel/sched/idle_thread.cpp). A CPU with more threads than another pushes one from time to time.
// Private to the scheduler (kernel/sched/run_queue.hpp). All functions: interrupts masked, no queue locked.
//
// The lengths of the queues are compared without their locks and so are hints (INV-run_queue-2). A wrong
// guess costs a needless move, which the next comparison corrects.
//
// INV-load_balance-1: a CPU whose queue can spare a thread is in spare_cpu_set whenever the queue's lock is
//                     free, unless all its threads are bound to it, the running one included. A CPU leaves
//                     the set only when a search finds either. So an idle CPU looks at few queues however
//                     many CPUs there are, and a switch between threads seldom changes the set.
#pragma once

#include "kernel/lib/cpu_set.hpp"
#include "kernel/sched/run_queue.hpp"

namespace percival {

// The CPUs that may be able to spare a thread (INV-load_balance-1).
extern SharedCpuSet spare_cpu_set;

namespace load_balance_detail {
void offer_if_spare(RunQueue& queue, CpuId cpu) PERCIVAL_REQUIRES(queue.lock);
void note_mobility(RunQueue& queue, CpuId cpu, const Thread& thread) PERCIVAL_REQUIRES(queue.lock);
} // namespace load_balance_detail

// Adds `cpu`, whose queue has just got a thread, to spare_cpu_set if it can spare one. Inline, because nearly
// every switch between two threads finds the CPU in the set, or all its threads bound.
inline void offer_if_spare(RunQueue& queue, CpuId cpu) PERCIVAL_REQUIRES(queue.lock)
{
    if (queue.offer == Offer::None)
        load_balance_detail::offer_if_spare(queue, cpu);
}

// Notes that `thread`, which runs on `cpu` or is on its queue, has come from elsewhere or changed its
// affinity: it may be the first one there that is not bound.
inline void note_mobility(RunQueue& queue, CpuId cpu, const Thread& thread) PERCIVAL_REQUIRES(queue.lock)
{
    if (queue.offer == Offer::NotNeeded)
        load_balance_detail::note_mobility(queue, cpu, thread);
}

// Moves one thread from the queue of `from` to that of `to`. Returns false if no thread there can be spared
// and may run on `to`.
bool hand_over(CpuId from, CpuId to);

// Periodic push: every few calls, moves a thread to a CPU that has at least two fewer. Called by the tick of
// `self` while that CPU is not idle.
void push_on_tick(CpuId self);

} // namespace percival
