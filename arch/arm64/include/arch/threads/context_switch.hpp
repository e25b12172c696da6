// SPDX-License-Identifier: BSD-2-Clause
// Context switch: changes the thread that a CPU runs, which means its stack, the registers that a call
// preserves, and the thread pointer. The kernel has no floating-point state to switch. The root stays,
// because it belongs to the CPU and not to the thread: so a local percpu address means this CPU's copy
// wherever a thread goes.
//
// INV-context_switch-1: TLB and cache maintenance that a thread began on one CPU is complete before the
//                       thread continues on another. A DSB completes only what its own CPU began.
//
// Interrupts masked. Only the scheduler calls this.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Saves the running thread, with its stack pointer in `*save_stack`, and continues the thread whose thread
// pointer is `next` and whose saved stack pointer is `next_stack`. Returns when another thread switches back,
// with the `before` of that call. Defined in arch/arm64/threads/context_switch.S.
extern "C" void* switch_context(u64* save_stack, u64 next_stack, void* next, void* before);

// The registers that switch_context() keeps on the stack, lowest address first.
struct SavedContext {
    u64 frame_pointer; // x29
    u64 return_to;     // x30
    u64 preserved[10]; // x19 to x28
};
static_assert(sizeof(SavedContext) == 96);

extern "C" void thread_entry();

// Prepares the empty stack that ends at `top` for a thread that has not run yet, and returns its saved stack
// pointer. The thread will begin with begin_thread(before), in kernel/sched/thread_switch.cpp.
inline u64 first_context(VirtAddr top)
{
    // SAFETY: the stack is mapped and aligned to 16, and only the caller uses it, as its thread has not run.
    auto* context = reinterpret_cast<SavedContext*>((top - Bytes{sizeof(SavedContext)}).raw());
    *context = {};
    // SAFETY: the address is stored as a number; switch_context() returns to it.
    context->return_to = reinterpret_cast<u64>(&thread_entry);
    return address_of(context).raw();
}

} // namespace percival::arch
