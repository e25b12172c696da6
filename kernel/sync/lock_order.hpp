// SPDX-License-Identifier: BSD-2-Clause
// The lock-order check of debug builds (kernel/sync/lock_graph.hpp). In other builds a LockClass is empty.
//
// The class of a lock is the place where it is constructed: all locks of one declaration share a class.
// Asking for a lock while others are held records one order for each of those. An order that contradicts
// earlier ones is a panic that names both places. A try_lock records no order, because it does not wait.
//
// Any context. Locks that an interrupt handler takes count as taken under the locks of the interrupted
// thread.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <source_location>

namespace percival {

struct LockInversion;

#ifdef PERCIVAL_DEBUG

class LockClass {
public:
    constexpr explicit LockClass(std::source_location declared)
        : file_{declared.file_name()}, line_{declared.line()}
    {
    }

    // Records that the running thread is about to wait for this lock, and checks the order.
    void note_wanted();
    // Record that the running thread has taken this lock, or is about to give it back.
    void note_taken();
    void note_released();

private:
    // Returns the number of this class in the graph, and assigns one at the first call.
    u32 index();

    const char* file_;
    u32 line_;
    std::atomic<u32> index_{0}; // the number of the class plus one; 0: not known yet
};

// The locks that a thread holds, in the order in which it took them. `count` may exceed kMax: locks beyond it
// are counted but not checked.
struct HeldLocks {
    static constexpr u32 kMax = 12;
    struct Held {
        const LockClass* lock;
        u32 index;
        VirtAddr at;
    };
    std::array<Held, kMax> locks{};
    u32 count{0};
    std::optional<LockInversion>* trap{nullptr}; // set by InversionTrap
};

#else

class LockClass {
public:
    constexpr explicit LockClass(std::source_location) {}
    void note_wanted() {}
    void note_taken() {}
    void note_released() {}
};

struct HeldLocks {};

#endif

inline constexpr bool kLockOrderIsChecked =
#ifdef PERCIVAL_DEBUG
    true;
#else
    false;
#endif

} // namespace percival
