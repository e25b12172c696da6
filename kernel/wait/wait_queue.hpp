// SPDX-License-Identifier: BSD-2-Clause
// Waiting until something is so: the threads that do, in the order they came.
//
// Waiting blocks (kernel/sched/scheduler.hpp); waking is for any context.
//
// Whoever makes the condition true wakes after that. A waiter is queued before it looks a last time, so of the
// two one sees the other's store (each has a full barrier between its store and its load).
//
// INV-wait_queue-1: a thread leaves wait_until() only after it has held the lock and is on no list: nobody has
//                   a pointer to it then.
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

    // Blocks until `condition()`. It is evaluated with the queue's lock held and interrupts masked, and may
    // take what it waits for.
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
                        unlink(waiter);
                    return;
                }
            }
            block();
        }
    }

    void wake_one() { wake_up_to(1); }
    void wake_all() { wake_up_to(~u32{0}); }

private:
    struct Waiter : ListLink<> {
        explicit Waiter(Thread& its_thread) : thread{its_thread} {}
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
        const PreemptGuard pin; // whoever is woken runs once the lock is given back
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
