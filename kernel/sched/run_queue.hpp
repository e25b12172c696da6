// SPDX-License-Identifier: BSD-2-Clause
// A CPU's run queue: the thread it runs and those that wait for it. Private to the scheduler, whose parts are
//
//   run_queue.hpp          this: the queues and their lock
//   thread_placement.hpp   which CPU's queue a thread joins
//   thread_switch.hpp      from one thread to the next, and how a thread gives its CPU up
//   preemption.hpp         when a thread has to
//   load_balance.hpp       from busy CPUs to others
//   thread_affinity.hpp    threads that ask for a CPU
//   idle_thread.hpp        what runs when the queue is empty
//   scheduler.cpp          CPUs that begin and cease to run threads
//
// A queue's lock is held with interrupts masked, and one at a time: a thread goes from one queue to another
// by being on neither in between.
//
// INV-run_queue-1: a thread is on a queue exactly while it is Ready, and then on that of its `cpu`; idle
//                  threads are on none. One that was taken off for another queue is Moving, and its taker's
//                  until it is placed (INV-thread-1).
// INV-run_queue-2: waiting() is the number of threads on the queue whenever its lock is free. Who looks
//                  without the lock takes it for a hint.
#pragma once

#include "kernel/sched/ready_threads.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sync/spinlock.hpp"

#include <atomic>

namespace percival {

class RunQueue {
public:
    constexpr RunQueue() = default;

    UncheckedSpinLock lock;                // one thread takes it and the next one gives it back
    std::atomic<Thread*> running{nullptr}; // changes under the lock

    // Makes the thread Ready: behind those of its priority, or before them if it has not used its time up.
    void push_back(Thread& thread) PERCIVAL_REQUIRES(lock)
    {
        thread.state = ThreadState::Ready;
        ready_.push_back(thread);
        note_size();
    }
    void push_front(Thread& thread) PERCIVAL_REQUIRES(lock)
    {
        thread.state = ThreadState::Ready;
        ready_.push_front(thread);
        note_size();
    }

    // The thread that runs next, no longer on the queue; null: there is none.
    Thread* take_highest() PERCIVAL_REQUIRES(lock)
    {
        Thread* const thread = ready_.highest();
        if (thread != nullptr)
            remove(*thread);
        return thread;
    }
    // Takes a thread off for another queue: the first, from the highest priority down, that suits. It is the
    // caller's to place.
    template <class Suits>
    Thread* take_away_first_that(Suits suits) PERCIVAL_REQUIRES(lock)
    {
        Thread* const thread = ready_.highest_that(suits);
        if (thread != nullptr)
            take_away(*thread);
        return thread;
    }
    void take_away(Thread& thread) PERCIVAL_REQUIRES(lock)
    {
        remove(thread);
        thread.state = ThreadState::Moving;
    }

    u32 size() const PERCIVAL_REQUIRES(lock) { return ready_.size(); }
    // The same for those who look without the lock.
    u32 waiting() const { return waiting_.load(std::memory_order_relaxed); }

private:
    void remove(Thread& thread) PERCIVAL_REQUIRES(lock)
    {
        ready_.remove(thread);
        note_size();
    }
    void note_size() PERCIVAL_REQUIRES(lock) { waiting_.store(ready_.size(), std::memory_order_relaxed); }

    ReadyThreads<Thread> ready_ PERCIVAL_GUARDED_BY(lock);
    std::atomic<u32> waiting_{0};
};

extern PerCpu<RunQueue> run_queues;

// Whose queue the thread belongs to. Another CPU may change it at any time, unless the queue is locked.
inline CpuId cpu_of(const Thread& thread)
{
    return CpuId{thread.cpu.load(std::memory_order_relaxed)};
}

// The queue a thread belongs to, locked. The analysis cannot name a lock that is found out.
inline RunQueue& lock_queue_of(const Thread& thread) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    for (;;) {
        const CpuId cpu = cpu_of(thread);
        RunQueue& queue = run_queues.on(cpu);
        queue.lock.lock();
        if (cpu_of(thread) == cpu)
            return queue;
        queue.lock.unlock();
    }
}

} // namespace percival
