// SPDX-License-Identifier: BSD-2-Clause
// A wait queue: the threads that wait until a condition is true, in the order in which they came.
//
// Waiting blocks (kernel/sched/scheduler.hpp); any context may wake.
//
// A waker first makes the condition true and then wakes. A waiter first queues itself and then checks the
// condition a last time. Each has a full barrier between its store and its load, so at least one of the two
// sees the other's store, and no wake-up is lost.
//
// INV-wait_queue-1: a thread leaves wait_until() only after it has seen, with the lock held, that it is on no
//                   list. No waker then holds a pointer to its Waiter.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sync/spinlock.hpp"

#include <atomic>

namespace percival {

class WaitQueue : Immovable {
public:
    constexpr WaitQueue() = default;

    // Blocks until `condition()` returns true. The condition is evaluated with the queue's lock held and
    // interrupts masked. It may take what it waits for.
    template <class Condition>
    void wait_until(Condition condition)
    {
        Waiter waiter{current_thread()};
        for (;;) {
            {
                const IrqSpinGuard guard{lock_};
                if (!waiter.is_linked()) {
                    waiters_.push_back(waiter);
                    count_.fetch_add(1, std::memory_order_relaxed);
                }
                std::atomic_thread_fence(std::memory_order_seq_cst);
                if (condition()) {
                    if (waiter.is_linked())
                        unlink(waiter); // INV-wait_queue-1
                    return;
                }
            }
            block();
        }
    }

    // Wake the thread that has waited longest, or all. Any context.
    void wake_one() { wake_up_to(1); }
    void wake_all() { wake_up_to(~u32{0}); }

private:
    struct Waiter : ListLink<> {
        explicit Waiter(Thread& waiting_thread) : thread{waiting_thread} {}
        Thread& thread;
    };

    void unlink(Waiter& waiter) PERCIVAL_REQUIRES(lock_)
    {
        waiters_.remove(waiter);
        count_.fetch_sub(1, std::memory_order_relaxed);
    }

    void wake_up_to(u32 limit)
    {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (count_.load(std::memory_order_relaxed) == 0)
            return;
        const PreemptGuard pin; // a woken thread runs here only after the lock is given back
        const IrqSpinGuard guard{lock_};
        for (; limit != 0 && !waiters_.empty(); --limit) {
            Waiter& waiter = *waiters_.front();
            unlink(waiter);
            wake(waiter.thread);
        }
    }

    SpinLock lock_;
    std::atomic<u32> count_{0};
    List<Waiter> waiters_ PERCIVAL_GUARDED_BY(lock_){};
};

} // namespace percival
