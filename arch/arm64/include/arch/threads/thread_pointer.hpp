// SPDX-License-Identifier: BSD-2-Clause
// The thread pointer names the running thread. It is in SP_EL0, which is free: the kernel runs on SP_EL1, and
// there is no EL0 that would need it. boot/start.S sets it before the first C++ in the kernel's own address
// space; after that only the context switch sets it.
#pragma once

namespace percival::arch {

// Returns the running thread's pointer. The assembly is not volatile: within one thread the value is
// constant, on whatever CPU the thread runs, so the compiler may keep and move it. Any context.
[[gnu::always_inline]] inline void* thread_pointer()
{
    void* thread;
    asm("mrs %0, sp_el0" : "=r"(thread));
    return thread;
}

} // namespace percival::arch
