// SPDX-License-Identifier: BSD-2-Clause
// A reader-writer lock: either one writer or any number of readers hold it, and all of them may block.
// Threads only, interrupts unmasked, no PreemptGuard held. A reader that comes while a writer waits has to
// wait for that writer. A thread that holds the lock as a reader must therefore not ask for it again.
#pragma once

#include "kernel/lib/thread_annotations.hpp"
#include "kernel/wait/wait_queue.hpp"

#include <atomic>

namespace percival {

class PERCIVAL_CAPABILITY("mutex") RwLock : Immovable {
public:
    constexpr RwLock(std::source_location declared = std::source_location::current()) : class_{declared} {}

    void lock() PERCIVAL_ACQUIRE()
    {
        class_.note_wanted();
        wait_to_write();
        class_.note_taken();
    }
    void unlock() PERCIVAL_RELEASE()
    {
        class_.note_released();
        state_.store(0, std::memory_order_release);
        writers_.wake_one();
        readers_.wake_all(); // the readers go back to sleep if another writer still waits
    }
    void lock_shared() PERCIVAL_ACQUIRE_SHARED()
    {
        class_.note_wanted();
        if (!take_to_read())
            readers_.wait_until([this] { return take_to_read(); });
        class_.note_taken();
    }
    void unlock_shared() PERCIVAL_RELEASE_SHARED()
    {
        class_.note_released();
        if (state_.fetch_sub(1, std::memory_order_release) == 1)
            writers_.wake_one();
    }

private:
    static constexpr u32 kWriter = u32{1} << 31;

    void wait_to_write()
    {
        if (take_to_write())
            return;
        waiting_writers_.fetch_add(1, std::memory_order_relaxed);
        writers_.wait_until([this] { return take_to_write(); });
        // Readers that saw the count before this are woken by our unlock(), which comes later.
        waiting_writers_.fetch_sub(1, std::memory_order_relaxed);
    }
    bool take_to_write()
    {
        u32 free = 0;
        return state_.compare_exchange_strong(free, kWriter, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }
    bool take_to_read()
    {
        if (waiting_writers_.load(std::memory_order_relaxed) != 0)
            return false;
        u32 readers = state_.load(std::memory_order_relaxed);
        while ((readers & kWriter) == 0) {
            if (state_.compare_exchange_weak(readers, readers + 1, std::memory_order_acquire,
                                             std::memory_order_relaxed))
                return true;
        }
        return false;
    }

    std::atomic<u32> state_{0}; // kWriter, or the number of readers
    std::atomic<u32> waiting_writers_{0};
    WaitQueue readers_;
    WaitQueue writers_;
    [[no_unique_address]] LockClass class_;
};

} // namespace percival
