/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the switch that became due during a guarded this_cpu operation (arch/percpu/site.hpp). The operation
 * calls this from the middle of functions whose compiler knows of no call. So it preserves the flags and
 * every register except x30, which the sequence has saved, and x18 where it is the CPU's
 * (INV-percpu_register-1, INV-percpu_register-2).
 */
    .section .text.percpu_guard, "ax"

    .global switch_after_percpu_operation
    .type   switch_after_percpu_operation, %function
switch_after_percpu_operation:
    stp     x29, x30, [sp, #-176]!
#ifdef PERCIVAL_FREE_X18
    str     x18, [sp, #168]
#endif
    mov     x29, sp                     // a frame record, as in any function
    stp     x0, x1, [sp, #16]
    stp     x2, x3, [sp, #32]
    stp     x4, x5, [sp, #48]
    stp     x6, x7, [sp, #64]
    stp     x8, x9, [sp, #80]
    stp     x10, x11, [sp, #96]
    stp     x12, x13, [sp, #112]
    stp     x14, x15, [sp, #128]
    stp     x16, x17, [sp, #144]
    mrs     x0, nzcv
    str     x0, [sp, #160]
    bl      switch_after_guard
#ifdef PERCIVAL_FREE_X18
    ldr     x18, [sp, #168]
#endif
    ldr     x0, [sp, #160]
    msr     nzcv, x0
    ldp     x16, x17, [sp, #144]
    ldp     x14, x15, [sp, #128]
    ldp     x12, x13, [sp, #112]
    ldp     x10, x11, [sp, #96]
    ldp     x8, x9, [sp, #80]
    ldp     x6, x7, [sp, #64]
    ldp     x4, x5, [sp, #48]
    ldp     x2, x3, [sp, #32]
    ldp     x0, x1, [sp, #16]
    ldp     x29, x30, [sp], #176
    ret
    .size   switch_after_percpu_operation, . - switch_after_percpu_operation
