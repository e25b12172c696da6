// SPDX-License-Identifier: BSD-2-Clause
// The mechanism behind kernel/lib/console.hpp. It is a class so that a test can have its own object. This
// file keeps the invariants INV-console-1, INV-console-2, INV-console-3 and INV-console-4, which are stated
// there. Any context once the image is mapped, and on the host.
#pragma once

#include "kernel/lib/console.hpp"
#include "kernel/lib/early_log.hpp"
#include "kernel/sync/spinlock.hpp"

#include <atomic>

namespace percival {

class LineConsole : Immovable {
public:
    constexpr LineConsole() = default;

    void write_line(std::string_view line) PERCIVAL_EXCLUDES(lock_);
    void attach(ConsoleDevice& device) PERCIVAL_EXCLUDES(lock_);
    void enter_panic();
    void drain();
    u64 lost() const;

private:
    static constexpr u64 kNobody = 0;
    // Returns a value that stands for the calling CPU and is never kNobody.
    static u64 this_cpu();

    // Writes a line on the panicking CPU, without the lock if its holder does not give it back in time.
    void write_in_panic(std::string_view line);
    // Tries to take the lock for a bounded time.
    bool take_lock_in_panic() PERCIVAL_TRY_ACQUIRE(true, lock_);
    // Sends a line to the device, or keeps it in the early log while there is none. `self` is this_cpu().
    void emit(std::string_view line, u64 self) PERCIVAL_REQUIRES(lock_);

    // All members are zero at first, so that the kernel's console is in .bss.
    SpinLock lock_;
    std::atomic<u64> holder_{kNobody};     // the CPU that is emitting a line to the device
    std::atomic<u64> panicking_{kNobody};  // the first CPU that panicked; never changes back
    std::atomic<bool> lock_broken_{false}; // the panicking CPU no longer waits for the lock
    // Written once, under the lock; drain() and lost() read it without the lock.
    std::atomic<ConsoleDevice*> device_{nullptr};
    EarlyLog<16 * 1024> early_ PERCIVAL_GUARDED_BY(lock_);
};

} // namespace percival
