/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception vectors (Arm ARM D1.3.1), and the return path of an expected fault. A vector saves the
 * interrupted registers as an arch::Registers on the interrupted stack, and calls a C++ handler with a
 * pointer to it.
 *
 * Before a vector writes anything it checks whether the stack has overflowed. Bit STACK_SHIFT of SP is 0 on a
 * stack and 1 in the guard below it (arch/threads/stack_size.hpp). TPIDRRO_EL0 holds x0 meanwhile, as there
 * is no EL0 that could read it.
 */
#include "arch/cpu/level_site.hpp"
#include "asm_offsets.h"

    .macro  vector handler
    .balign 128
    msr     tpidrro_el0, x0
    sub     x0, sp, #REGISTERS_SIZE
    tbnz    x0, #STACK_SHIFT, stack_overflow
    mov     sp, x0
    mrs     x0, tpidrro_el0
    stp     x0, x1, [sp, #0]
    adr     x1, \handler
    b       save_and_handle
    .endm

/* A vector of SP_EL0 or a lower EL. The kernel never runs there, so no exception should come from there. */
    .macro  unexpected_vector
    .balign 128
    b       unexpected_exception
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .global exception_vectors
exception_vectors:
    .rept 4
    unexpected_vector                   // current EL with SP_EL0
    .endr
    vector  handle_synchronous
    vector  handle_interrupt
    vector  handle_interrupt            // FIQ: group 0 interrupts, if firmware leaves them to the kernel
    vector  handle_system_error
    .rept 8
    unexpected_vector                   // lower EL
    .endr

/* Saves the registers other than x0 and x1, and calls the handler. x1: the handler; SP: the Registers. */
    .type   save_and_handle, %function
save_and_handle:
    stp     x2, x3, [sp, #16 * 1]
    stp     x4, x5, [sp, #16 * 2]
    stp     x6, x7, [sp, #16 * 3]
    stp     x8, x9, [sp, #16 * 4]
    stp     x10, x11, [sp, #16 * 5]
    stp     x12, x13, [sp, #16 * 6]
    stp     x14, x15, [sp, #16 * 7]
    stp     x16, x17, [sp, #16 * 8]
    stp     x18, x19, [sp, #16 * 9]
    stp     x20, x21, [sp, #16 * 10]
    stp     x22, x23, [sp, #16 * 11]
    stp     x24, x25, [sp, #16 * 12]
    stp     x26, x27, [sp, #16 * 13]
    stp     x28, x29, [sp, #16 * 14]
    add     x2, sp, #REGISTERS_SIZE
    stp     x30, x2, [sp, #16 * 15]     // x30, sp
    mrs     x3, elr_el1
    mrs     x4, spsr_el1
    stp     x3, x4, [sp, #REGISTERS_PC]
    mrs     x5, esr_el1
    mrs     x6, far_el1
    stp     x5, x6, [sp, #REGISTERS_ESR]
    stp     x29, x3, [sp, #REGISTERS_FRAME] // a frame record, for backtraces into the interrupted function
    add     x29, sp, #REGISTERS_FRAME
    mov     x0, sp
    blr     x1
    // falls through
    .size   save_and_handle, . - save_and_handle

/* SP: the Registers. Restores all of them but x18 if it is the CPU's, and returns from the exception. */
    .type   restore_and_return, %function
restore_and_return:
    ldp     x3, x4, [sp, #REGISTERS_PC]
    msr     elr_el1, x3
    msr     spsr_el1, x4
    ldp     x2, x3, [sp, #16 * 1]
    ldp     x4, x5, [sp, #16 * 2]
    ldp     x6, x7, [sp, #16 * 3]
    ldp     x8, x9, [sp, #16 * 4]
    ldp     x10, x11, [sp, #16 * 5]
    ldp     x12, x13, [sp, #16 * 6]
    ldp     x14, x15, [sp, #16 * 7]
    ldp     x16, x17, [sp, #16 * 8]
#ifndef PERCIVAL_FREE_X18
    ldr     x19, [sp, #16 * 9 + 8]      // x18 is the CPU's: arch/percpu/register.hpp
#else
    ldp     x18, x19, [sp, #16 * 9]
#endif
    ldp     x20, x21, [sp, #16 * 10]
    ldp     x22, x23, [sp, #16 * 11]
    ldp     x24, x25, [sp, #16 * 12]
    ldp     x26, x27, [sp, #16 * 13]
    ldp     x28, x29, [sp, #16 * 14]
    ldr     x30, [sp, #16 * 15]
    ldp     x0, x1, [sp, #0]
    add     sp, sp, #REGISTERS_SIZE
    eret
    .size   restore_and_return, . - restore_and_return

/*
 * SP - REGISTERS_SIZE, in x0, is in a guard. Continues on this CPU's overflow stack, at its global address,
 * because not every mode has local addresses. Before there is percpu data only the boot stack can have
 * overflowed, and continues at its top. Bit STACK_SHIFT of SP is 0 on either stack, so that a fault in the
 * handler does not come here again.
 */
    .type   stack_overflow, %function
stack_overflow:
    add     x0, x0, #REGISTERS_SIZE
    msr     tpidr_el0, x0               // the overflowed SP
    read_distance x0
    cbz     x0, 1f
    adrp    x0, overflow_stack + OVERFLOW_STACK_SIZE
    add     x0, x0, :lo12:(overflow_stack + OVERFLOW_STACK_SIZE)
    mov     sp, x0
    read_distance x0
    add     x0, sp, x0
    b       2f
1:  adrp    x0, boot_stack_top
2:  sub     x0, x0, #REGISTERS_SIZE
    mov     sp, x0
    mrs     x0, tpidrro_el0
    stp     x0, x1, [sp, #0]
    adr     x1, handle_stack_overflow_entry
    b       save_and_handle

/* Replaces the saved SP, which is still that of the overflow stack, by the SP that overflowed. */
handle_stack_overflow_entry:
    hint    #34                         // bti c
    mrs     x1, tpidr_el0
    str     x1, [x0, #REGISTERS_SP]
    b       handle_stack_overflow
    .size   stack_overflow, . - stack_overflow

/* Takes an exception from SP_EL0 or a lower EL. Only the boot stack can be trusted, so it never returns. */
    .type   unexpected_exception, %function
unexpected_exception:
    msr     spsel, #1
    adrp    x0, boot_stack_top
    mov     sp, x0
    mov     x29, xzr
    bl      handle_unexpected_exception
    .size   unexpected_exception, . - unexpected_exception

    .section .text.fault_recovery, "ax"
/*
 * bool call_catching_faults(RecoveryPoint* x0, void (*x1)(void*), void* x2)
 * Returns false if the function returned, and true if an exception handler continued at fault_recovered.
 */
    .global call_catching_faults
    .type   call_catching_faults, %function
call_catching_faults:
    hint    #34                         // bti c
    mov     x9, sp
    stp     x9, x30, [x0, #RECOVERY_SP] // sp, pc
    stp     x19, x20, [x0, #RECOVERY_SAVED + 16 * 0]
    stp     x21, x22, [x0, #RECOVERY_SAVED + 16 * 1]
    stp     x23, x24, [x0, #RECOVERY_SAVED + 16 * 2]
    stp     x25, x26, [x0, #RECOVERY_SAVED + 16 * 3]
    stp     x27, x28, [x0, #RECOVERY_SAVED + 16 * 4]
    str     x29, [x0, #RECOVERY_SAVED + 16 * 5]
    stp     x29, x30, [sp, #-16]!
    mov     x29, sp
    mov     x0, x2
    blr     x1
    mov     w0, #0
    ldp     x29, x30, [sp], #16
    ret
    .size   call_catching_faults, . - call_catching_faults

/* The exception handler returns here with the RecoveryPoint in x0, and other registers as at the fault. */
    .global fault_recovered
    .type   fault_recovered, %function
fault_recovered:
    ldp     x19, x20, [x0, #RECOVERY_SAVED + 16 * 0]
    ldp     x21, x22, [x0, #RECOVERY_SAVED + 16 * 1]
    ldp     x23, x24, [x0, #RECOVERY_SAVED + 16 * 2]
    ldp     x25, x26, [x0, #RECOVERY_SAVED + 16 * 3]
    ldp     x27, x28, [x0, #RECOVERY_SAVED + 16 * 4]
    ldr     x29, [x0, #RECOVERY_SAVED + 16 * 5]
    ldp     x9, x30, [x0, #RECOVERY_SP]
    mov     sp, x9
    mov     w0, #1
    ret
    .size   fault_recovered, . - fault_recovered
