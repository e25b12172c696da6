// SPDX-License-Identifier: BSD-2-Clause
// Something that happens once, and that any number of threads may wait for: the end of a thread, the ring of a
// timer. Waiting blocks (kernel/sched/scheduler.hpp); completing is for any context.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/sync/spinlock.hpp"

#include <atomic>

namespace percival {

struct Thread;

class Completion : Immovable {
public:
    constexpr Completion() = default;

    // The last access of complete() to the object is that which lets waiters go.
    void complete();
    void wait();
    // Nobody waits.
    void reset() { done_.store(false, std::memory_order_relaxed); }

private:
    struct Waiter : ListLink<> {
        explicit Waiter(Thread& its_thread) : thread{its_thread} {}
        Thread& thread;
    };

    SpinLock lock_;
    std::atomic<bool> done_{false};
    List<Waiter> waiters_ PERCIVAL_GUARDED_BY(lock_){};
};

} // namespace percival
