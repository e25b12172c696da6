// SPDX-License-Identifier: BSD-2-Clause
// Which thread runs: SP_EL0, which is free because the kernel runs on SP_EL1 and there is no EL0 that would
// need it. boot/start.S sets it before the first C++ in the kernel's own address space; after that only the
// context switch does.
#pragma once

namespace percival::arch {

// Not volatile: for the code of one thread it is a constant, whatever CPU that runs on, so it may be kept and
// moved.
[[gnu::always_inline]] inline void* thread_pointer()
{
    void* thread;
    asm("mrs %0, sp_el0" : "=r"(thread));
    return thread;
}

} // namespace percival::arch
