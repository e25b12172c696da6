// SPDX-License-Identifier: BSD-2-Clause
// A completion: an event that happens once and that any number of threads may wait for, such as the end of a
// thread or the expiry of a timer. Waiting blocks (kernel/sched/scheduler.hpp); any context may complete.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/sync/spinlock.hpp"

#include <atomic>

namespace percival {

struct Thread;

class Completion : Immovable {
public:
    constexpr Completion() = default;

    // Marks the event as happened and wakes all waiters. A waiter may free the object as soon as wait()
    // returns: complete() does not touch it after it has given back the lock.
    void complete();
    // Blocks until complete() has been called; returns at once if it has been already.
    void wait();
    // Makes the object usable for another event. No thread may be waiting.
    void reset() { done_.store(false, std::memory_order_relaxed); }

private:
    struct Waiter : ListLink<> {
        explicit Waiter(Thread& waiting_thread) : thread{waiting_thread} {}
        Thread& thread;
    };

    SpinLock lock_;
    std::atomic<bool> done_{false};
    List<Waiter> waiters_ PERCIVAL_GUARDED_BY(lock_){};
};

} // namespace percival
