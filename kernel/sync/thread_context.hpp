// SPDX-License-Identifier: BSD-2-Clause
// The part of a thread that code below the scheduler finds through the thread pointer: its count of reasons
// to stay, what the context switch saves and what it holds. Thread (kernel/sched/thread.hpp) derives from it.
//
// INV-thread_context-1: a ThreadContext begins with its Preemption: percpu sites and the context switch find
//                       that at the thread pointer (arch/percpu/site.hpp).
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/sync/lock_order.hpp"
#include "kernel/sync/preemption.hpp"

namespace percival {

struct ThreadContext : Preemption {
    u64 stack_pointer{0};    // while the thread does not run
    void* catching{nullptr}; // the call of arch::catch_fault() that the thread is in
    [[no_unique_address]] HeldLocks held_locks{};
};

// That of the running thread.
inline ThreadContext& thread_context()
{
    return static_cast<ThreadContext&>(preemption());
}

} // namespace percival
