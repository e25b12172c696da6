// SPDX-License-Identifier: BSD-2-Clause
// Leaves one stack for another.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::arch {

// Calls `function(argument)` on the empty stack that ends at `top`, as the first frame there. `top` is a
// multiple of 16. Nothing on the old stack is used again. Any context.
[[noreturn]] inline void switch_stack_and_call(VirtAddr top, void (*function)(void*), void* argument)
{
    register void* x0 asm("x0") = argument;
    // With BTI, a BR through x16 may land on the BTI c at a function's start; a BR through most other
    // registers may not.
    register void (*x16)(void*) asm("x16") = function;
    asm volatile("mov sp, %[top]\n"
                 "mov x29, xzr\n"
                 "mov x30, xzr\n"
                 "br %[function]"
                 :
                 : "r"(x0), [top] "r"(top.raw()), [function] "r"(x16)
                 : "memory");
    __builtin_unreachable();
}

} // namespace percival::arch
