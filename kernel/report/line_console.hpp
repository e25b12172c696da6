// SPDX-License-Identifier: BSD-2-Clause
// The mechanism behind kernel/lib/console.hpp, as an object so that a test can have its own. The invariants
// INV-console-1 to 3 stated there are kept here. Any context once the image is mapped, and on the host.
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

private:
    // A CPU as a value that is never kNobody. All members start as zero, so that the kernel's console is in
    // .bss.
    static constexpr u64 kNobody = 0;
    static u64 this_cpu();

    void write_in_panic(std::string_view line);
    bool take_lock_in_panic() PERCIVAL_TRY_ACQUIRE(true, lock_);
    void emit(std::string_view line, u64 self) PERCIVAL_REQUIRES(lock_);

    SpinLock lock_;
    std::atomic<u64> holder_{kNobody};     // who is emitting; says nothing about who waits
    std::atomic<u64> panicking_{kNobody};  // the first CPU that panicked; never changes back
    std::atomic<bool> lock_broken_{false}; // the panicking CPU gave up on the lock's holder
    // Written once, under the lock; drain() reads it without.
    std::atomic<ConsoleDevice*> device_{nullptr};
    EarlyLog<16 * 1024> early_ PERCIVAL_GUARDED_BY(lock_);
};

} // namespace percival
