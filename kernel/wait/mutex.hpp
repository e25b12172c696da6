// SPDX-License-Identifier: BSD-2-Clause
// A mutex, whose holder may block. Threads only, interrupts unmasked, no PreemptGuard held.
//
// unlock() does not hand the mutex to a waiter: a woken waiter competes with threads that only now ask for
// it. So a holder that gives the mutex back and takes it again need not wait for a switch of threads.
#pragma once

#include "kernel/lib/thread_annotations.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/wait/wait_queue.hpp"

#include <atomic>

namespace percival {

class PERCIVAL_CAPABILITY("mutex") Mutex : Immovable {
public:
    constexpr Mutex(std::source_location declared = std::source_location::current()) : class_{declared} {}

    void lock() PERCIVAL_ACQUIRE()
    {
        class_.note_wanted();
        if (!take())
            waiters_.wait_until([this] { return take(); });
        class_.note_taken();
    }
    [[nodiscard]] bool try_lock() PERCIVAL_TRY_ACQUIRE(true)
    {
        if (!take())
            return false;
        class_.note_taken();
        return true;
    }
    void unlock() PERCIVAL_RELEASE()
    {
        class_.note_released();
        owner_.store(nullptr, std::memory_order_release);
        waiters_.wake_one();
    }
    bool is_held_by_caller() const { return owner_.load(std::memory_order_relaxed) == &current_thread(); }

private:
    bool take()
    {
        Thread* nobody = nullptr;
        return owner_.compare_exchange_strong(nobody, &current_thread(), std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }

    std::atomic<Thread*> owner_{nullptr};
    WaitQueue waiters_;
    [[no_unique_address]] LockClass class_;
};

// Holds a mutex for the lifetime of the guard.
class PERCIVAL_SCOPED_CAPABILITY MutexGuard : Immovable {
public:
    explicit MutexGuard(Mutex& mutex) PERCIVAL_ACQUIRE(mutex) : mutex_{mutex} { mutex_.lock(); }
    ~MutexGuard() PERCIVAL_RELEASE() { mutex_.unlock(); }

private:
    Mutex& mutex_;
};

} // namespace percival
