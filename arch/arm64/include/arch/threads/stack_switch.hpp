// SPDX-License-Identifier: BSD-2-Clause
// Leaving one stack for another.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::arch {

// Calls `function(argument)` on the empty stack that ends at `top`, as the first frame there. Nothing on the
// old stack is used again. A 16-byte aligned top.
[[noreturn]] inline void switch_stack_and_call(VirtAddr top, void (*function)(void*), void* argument)
{
    register void* x0 asm("x0") = argument;
    // A branch through x16 may land on a function's start (BTI c); through another register it may not.
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
