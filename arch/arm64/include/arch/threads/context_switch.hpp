// SPDX-License-Identifier: BSD-2-Clause
// Changing the thread a CPU runs: its stack, the registers a call preserves, and the thread pointer. No
// floating-point state: the kernel has none. The root stays: it is the CPU's, not the thread's, which is what
// makes a local percpu address mean this CPU's copy wherever a thread goes.
//
// Interrupts masked. Only the scheduler calls this.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Saves the running thread and continues `next`, whose thread pointer that is, with its stack at
// `next_stack`. Returns when somebody switches back, with the `before` of that call.
// arch/arm64/threads/context_switch.S
extern "C" void* switch_context(u64* save_stack, u64 next_stack, void* next, void* before);

// What switch_context() keeps on the stack, lowest address first.
struct SavedContext {
    u64 frame_pointer; // x29
    u64 return_to;     // x30
    u64 preserved[10]; // x19 to x28
};
static_assert(sizeof(SavedContext) == 96);

extern "C" void thread_entry();

// The stack pointer of a thread that has not run yet, on the empty stack that ends at `top`: it will begin
// with begin_thread(before), in kernel/sched/thread_switch.cpp.
inline u64 first_context(VirtAddr top)
{
    // SAFETY: the stack is mapped, aligned to 16, and nobody else's: its thread has not run.
    auto* context = reinterpret_cast<SavedContext*>((top - Bytes{sizeof(SavedContext)}).raw());
    *context = {};
    // SAFETY: a number to switch_context(), which returns to it.
    context->return_to = reinterpret_cast<u64>(&thread_entry);
    return address_of(context).raw();
}

} // namespace percival::arch
