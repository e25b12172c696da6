// SPDX-License-Identifier: BSD-2-Clause
// Records lock-order inversions of the calling thread, which would otherwise be a panic, for the lifetime of
// the object. For tests of the check.
#pragma once

#include "kernel/sync/lock_graph.hpp"
#include "kernel/sync/thread_context.hpp"

#include <optional>

namespace percival {

class InversionTrap : Immovable {
public:
    InversionTrap() { set(&caught_); }
    ~InversionTrap() { set(nullptr); }
    // Returns the latest inversion recorded.
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
