// SPDX-License-Identifier: BSD-2-Clause
// The part of a thread that code below the scheduler finds through the thread pointer: its preemption word,
// the stack pointer that the context switch saves, and the locks it holds. Thread (kernel/sched/thread.hpp)
// derives from it.
//
// A ThreadContext begins with its Preemption, because the thread pointer points to the whole thread, and both
// preemption() and the guarded and fixup sites (arch/percpu/site.hpp) use it as the address of the
// Preemption.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/sync/lock_order.hpp"
#include "kernel/sync/preemption.hpp"

namespace percival {

struct ThreadContext : Preemption {
    u64 stack_pointer{0};    // valid while the thread does not run
    void* catching{nullptr}; // the arch::catch_fault() call that the thread is in, or null
    [[no_unique_address]] HeldLocks held_locks{};
};

// Returns whether the address of a `Context` is that of its Preemption.
template <class Context>
consteval bool begins_with_preemption()
{
    const Context context{};
    return static_cast<const void*>(&context) == static_cast<const Preemption*>(&context);
}
static_assert(begins_with_preemption<ThreadContext>());

// Returns the context of the running thread.
inline ThreadContext& thread_context()
{
    return static_cast<ThreadContext&>(preemption());
}

} // namespace percival
