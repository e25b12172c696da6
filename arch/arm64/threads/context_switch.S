/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switches from one thread to another (arch/threads/context_switch.hpp). The exclusive monitor needs no CLREX
 * here (INV-scheduler-2). The saved return address is not signed, but those in the frames around it are. x18
 * is the CPU's and is not switched (INV-percpu_register-2).
 */
    .section .text.context_switch, "ax"

/*
 * x0: where to save SP, x1: the next thread's SP, x2: the next thread's thread pointer,
 * x3: value that the next thread's call of switch_context() returns
 */
    .global switch_context
    .type   switch_context, %function
switch_context:
    hint    #34                         // bti c
    stp     x29, x30, [sp, #-96]!
    mov     x29, sp                     // a frame record, as in any function
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    str     x29, [x0]                   // SP has the same value
    // The thread may be between a TLBI, or cache maintenance, and its DSB, and continue on another CPU, whose
    // DSB would not wait for what this CPU has under way. So this CPU waits for it (INV-context_switch-1).
    dsb     ish
    mov     sp, x1
    msr     sp_el0, x2                  // arch/threads/thread_pointer.hpp
    mov     x0, x3
    ldp     x27, x28, [sp, #80]
    ldp     x25, x26, [sp, #64]
    ldp     x23, x24, [sp, #48]
    ldp     x21, x22, [sp, #32]
    ldp     x19, x20, [sp, #16]
    ldp     x29, x30, [sp], #96
    ret
    .size   switch_context, . - switch_context

/* The first switch to a new thread returns here. x0: the `before` of that switch. Backtraces end here. */
    .global thread_entry
    .type   thread_entry, %function
thread_entry:
    mov     x29, xzr
    mov     x30, xzr
    b       begin_thread
    .size   thread_entry, . - thread_entry
