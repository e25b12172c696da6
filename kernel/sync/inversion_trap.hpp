// SPDX-License-Identifier: BSD-2-Clause
// Catches the calling thread's lock-order inversions for its lifetime instead of a panic: for tests of the check.
#pragma once

#include "kernel/sync/lock_graph.hpp"
#include "kernel/sync/thread_context.hpp"

#include <optional>

namespace percival {

class InversionTrap : Immovable {
public:
    InversionTrap() { set(&caught_); }
    ~InversionTrap() { set(nullptr); }
    const std::optional<LockInversion>& caught() const { return caught_; }

private:
    static void set([[maybe_unused]] std::optional<LockInversion>* trap)
    {
#ifdef PERCIVAL_DEBUG
        thread_context().held_locks.trap = trap;
#endif
    }

    std::optional<LockInversion> caught_{};
};

} // namespace percival
