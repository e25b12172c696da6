// SPDX-License-Identifier: BSD-2-Clause
// The lock-order check of debug builds (kernel/sync/lock_graph.hpp). In other builds a LockClass is nothing.
//
// A lock's class is the place where it is constructed: all locks of one declaration are alike. A lock that is
// asked for while others are held gives an order for each; one that contradicts an earlier order is a panic
// that names both places. A try_lock gives no order, since it does not wait.
//
// Any context. What an interrupt handler takes counts as taken under what the interrupted thread holds.
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

    void note_wanted();
    void note_taken();
    void note_released();

private:
    u32 index();

    const char* file_;
    u32 line_;
    std::atomic<u32> index_{0}; // plus one; 0: not known yet
};

// What a thread holds, in the order it was taken.
struct HeldLocks {
    static constexpr u32 kMax = 12;
    struct Held {
        const LockClass* lock;
        u32 index;
        VirtAddr at;
    };
    std::array<Held, kMax> locks{};
    u32 count{0};
    std::optional<LockInversion>* trap{nullptr}; // InversionTrap
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
