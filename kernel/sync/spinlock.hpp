// SPDX-License-Identifier: BSD-2-Clause
// A spin lock. Any CPU may take it while it is free, so CPUs can overtake each other. But none waits for
// ever: a CPU that was overtaken for too long joins a queue, and while that queue is not empty only its head
// may take the lock.
//
// A ticket lock, which serves CPUs strictly in order, would make no progress while the next CPU in line is
// not running. With 64 virtual CPUs on two cores each hand-over then costs a scheduling round of the host: 20
// console lines from each CPU took minutes under a ticket lock, and take one second under this lock.
//
// Any context once the MMU is on (exclusive accesses need Normal cacheable memory). The holder must not be
// scheduled away: SpinGuard ensures that, and PinnedSpinGuard takes the caller's Pin as the proof. A lock
// that an interrupt handler takes must be held with interrupts masked everywhere: use IrqSpinGuard.
//
// INV-spinlock-1: the lock is held exactly while held_ is 1. Taking it is an acquire and giving it back a
//                 release, so everything that one holder did under the lock is visible to the next.
// INV-spinlock-2: next_ - serving_ CPUs are queued. The queue only decides which CPU tries; mutual exclusion
//                 does not depend on it.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/thread_annotations.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/sync/lock_order.hpp"
#include "kernel/sync/preemption.hpp"

#include <atomic>
#include <source_location>

namespace percival {

// `Patience` is how often a waiter tries before it joins the queue. `Class` checks the order of locks.
template <u32 Patience, class Class = LockClass>
class PERCIVAL_CAPABILITY("mutex") BasicSpinLock : Immovable {
public:
    constexpr BasicSpinLock(std::source_location declared = std::source_location::current())
        : class_{declared}
    {
    }

    // Takes the lock; spins until it is free.
    void lock() PERCIVAL_ACQUIRE()
    {
        class_.note_wanted();
        if (!queue_is_empty() || !take()) [[unlikely]]
            wait_and_take();
        class_.note_taken();
    }
    // Takes the lock and returns true if no CPU holds it or queues for it. Never waits.
    [[nodiscard]] bool try_lock() PERCIVAL_TRY_ACQUIRE(true)
    {
        if (!queue_is_empty() || !take())
            return false;
        class_.note_taken();
        return true;
    }
    void unlock() PERCIVAL_RELEASE()
    {
        class_.note_released();
        held_.store(0, std::memory_order_release);
    }

private:
    bool queue_is_empty() const
    {
        return serving_.load(std::memory_order_relaxed) == next_.load(std::memory_order_relaxed);
    }
    // Takes the lock if it is free (INV-spinlock-1). Loads before it writes: waiters then share the cache
    // line instead of passing it around.
    bool take()
    {
        return held_.load(std::memory_order_relaxed) == 0 &&
               held_.exchange(1, std::memory_order_acquire) == 0;
    }
    [[gnu::noinline]] void wait_and_take()
    {
        for (u32 looks = 0; looks < Patience; ++looks) {
            if (queue_is_empty() && take())
                return;
            arch::relax();
        }
        take_in_turn();
    }
    // Takes the lock by way of the queue (INV-spinlock-2).
    void take_in_turn()
    {
        const u32 turn = next_.fetch_add(1, std::memory_order_relaxed);
        while (serving_.load(std::memory_order_relaxed) != turn)
            arch::relax();
        while (!take())
            arch::relax();
        serving_.store(turn + 1, std::memory_order_relaxed);
    }

    std::atomic<u32> held_{0};
    std::atomic<u32> next_{0};
    std::atomic<u32> serving_{0};
    [[no_unique_address]] Class class_;
};

// A waiter tries for about a tenth of a second before it queues. That is far longer than any lock is held,
// and than a host takes to run a preempted virtual CPU again.
using SpinLock = BasicSpinLock<u32{1} << 24>;

// The class of the few locks that the lock-order check leaves out: those whose holder changes, and the
// check's own.
struct UncheckedLockClass {
    constexpr explicit UncheckedLockClass(std::source_location) {}
    void note_wanted() {}
    void note_taken() {}
    void note_released() {}
};
using UncheckedSpinLock = BasicSpinLock<u32{1} << 24, UncheckedLockClass>;

// Holds a lock, with preemption off, for the lifetime of the guard.
template <class Lock = SpinLock>
class PERCIVAL_SCOPED_CAPABILITY SpinGuard : Immovable {
public:
    explicit SpinGuard(Lock& lock) PERCIVAL_ACQUIRE(lock) : lock_{lock} { lock_.lock(); }
    ~SpinGuard() PERCIVAL_RELEASE() { lock_.unlock(); }

private:
    PreemptGuard pin_; // declared first: preemption comes back after the lock is given back
    Lock& lock_;
};

// Holds a lock for the lifetime of the guard. For a caller that is pinned already.
template <class Lock = SpinLock>
class PERCIVAL_SCOPED_CAPABILITY PinnedSpinGuard : Immovable {
public:
    PinnedSpinGuard(Lock& lock, const Pin&) PERCIVAL_ACQUIRE(lock) : lock_{lock} { lock_.lock(); }
    ~PinnedSpinGuard() PERCIVAL_RELEASE() { lock_.unlock(); }

private:
    Lock& lock_;
};

// Holds a lock, with interrupts masked, for the lifetime of the guard.
template <class Lock = SpinLock>
class PERCIVAL_SCOPED_CAPABILITY IrqSpinGuard : Immovable {
public:
    explicit IrqSpinGuard(Lock& lock) PERCIVAL_ACQUIRE(lock) : lock_{lock} { lock_.lock(); }
    ~IrqSpinGuard() PERCIVAL_RELEASE() { lock_.unlock(); }

private:
    arch::InterruptMask masked_; // declared first: interrupts come back after the lock is given back
    Lock& lock_;
};

} // namespace percival
