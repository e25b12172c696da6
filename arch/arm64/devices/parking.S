/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait_in_mailbox(x0: physical address of the mailbox, x1: SCTLR_EL1 value that turns the MMU off), parking.cpp
 *
 * In the idmap: the next instruction after the MMU is off is fetched by physical address. Memory is Device from there on, so
 * accesses go past the caches. An event between the look and the WFE is remembered, so that none is missed.
 */
    .section .idmap.text, "ax"

    .global wait_in_mailbox
    .type   wait_in_mailbox, %function
wait_in_mailbox:
    hint    #34                         // bti c
    msr     sctlr_el1, x1
    isb
    mov     x2, #1
    str     x2, [x0, #64]               // is_parked
    dsb     sy
1:  ldr     x2, [x0]                    // entry
    cbnz    x2, 2f
    wfe
    b       1b
2:  br      x2
    .size   wait_in_mailbox, . - wait_in_mailbox
