// SPDX-License-Identifier: BSD-2-Clause
// The run queue of a CPU: the thread that runs and the threads that wait to run. Private to the scheduler,
// whose parts are
//
//   run_queue.hpp          the queues and their locks
//   thread_placement.hpp   which CPU's queue a thread joins
//   thread_switch.hpp      the switch from one thread to the next, and how a thread gives up its CPU
//   preemption.hpp         when a thread has to give up its CPU
//   load_balance.hpp       moving threads from busy CPUs to others
//   thread_affinity.hpp    threads that ask for certain CPUs
//   idle_thread.hpp        the thread that runs when the queue is empty
//   scheduler.cpp          CPUs that begin and cease to run threads
//
// The lock of a queue is held with interrupts masked. A CPU holds at most one of these locks: a thread that
// moves from one queue to another is on neither in between.
//
// INV-run_queue-1: a thread is on a queue exactly while it is Ready, and then on the queue of its `cpu`. Idle
//                  threads are on none. A thread that was taken off for another queue is Moving, and belongs
//                  to the CPU that took it until it is placed (INV-thread-1).
// INV-run_queue-2: waiting() is the number of threads on the queue whenever its lock is free. A reader
//                  without the lock treats it as a hint.
#pragma once

#include "kernel/sched/ready_threads.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sync/spinlock.hpp"

#include <atomic>

namespace percival {

// Whether the CPU of a queue is in spare_cpu_set (INV-load_balance-1).
enum class Offer : u8 {
    None,
    Made,
    NotNeeded, // it is not, and all its threads are bound to it
};

class RunQueue {
public:
    constexpr RunQueue() = default;

    UncheckedSpinLock lock;                // at a switch, one thread takes it and the next one gives it back
    std::atomic<Thread*> running{nullptr}; // changes under the lock
    Offer offer{Offer::None};              // changes under the lock

    // Makes a thread Ready, behind the others of its priority.
    void push_back(Thread& thread) PERCIVAL_REQUIRES(lock)
    {
        thread.state = ThreadState::Ready;
        ready_.push_back(thread);
        note_size();
    }
    // Makes a thread Ready, before the others of its priority: it was preempted and has time left.
    void push_front(Thread& thread) PERCIVAL_REQUIRES(lock)
    {
        thread.state = ThreadState::Ready;
        ready_.push_front(thread);
        note_size();
    }

    // Takes the thread that runs next off the queue and returns it, or null if the queue is empty.
    Thread* take_highest() PERCIVAL_REQUIRES(lock)
    {
        Thread* const thread = ready_.take_highest();
        note_size();
        return thread;
    }
    // Returns the first thread for which `suits(thread)` holds, from the highest priority down, or null.
    template <class Suits>
    Thread* first_that(Suits suits) const PERCIVAL_REQUIRES(lock)
    {
        return ready_.highest_that(suits);
    }
    // The same, and takes it away.
    template <class Suits>
    Thread* take_away_first_that(Suits suits) PERCIVAL_REQUIRES(lock)
    {
        Thread* const thread = first_that(suits);
        if (thread != nullptr)
            take_away(*thread);
        return thread;
    }
    // Takes a thread off for another queue and makes it Moving: the caller then owns it and has to place()
    // it.
    void take_away(Thread& thread) PERCIVAL_REQUIRES(lock)
    {
        remove(thread);
        thread.state = ThreadState::Moving;
    }

    u32 size() const PERCIVAL_REQUIRES(lock) { return ready_.size(); }
    // The size as a hint, for readers without the lock (INV-run_queue-2).
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

// Returns the CPU whose queue the thread belongs to. Another CPU may change it at any time, unless that queue
// is locked.
inline CpuId cpu_of(const Thread& thread)
{
    return CpuId{thread.cpu.load(std::memory_order_relaxed)};
}

// Locks the queue that a thread belongs to and returns it. Clang's analysis cannot name the lock: it is
// chosen at run time.
inline RunQueue& lock_queue_of(const Thread& thread) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    for (;;) {
        const CpuId cpu = cpu_of(thread);
        RunQueue& queue = run_queues.on(cpu);
        queue.lock.lock();
        if (cpu_of(thread) == cpu) // it changes only under the lock (INV-thread-1)
            return queue;
        queue.lock.unlock();
    }
}

} // namespace percival
