/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait_in_mailbox(x0: physical address of the mailbox, x1: SCTLR_EL1 value that turns the MMU off)
 *
 * Parks this CPU until its mailbox has an entry address, and continues there; parking.cpp calls this. The
 * code is in the idmap, because with the MMU off the CPU fetches instructions by physical address. All memory
 * is Device then, so accesses bypass the caches; the code accesses only the mailbox (INV-parking-1). The CPU
 * remembers an event between the load and the WFE, so it misses none.
 */
    .section .idmap.text, "ax"

    .global wait_in_mailbox
    .type   wait_in_mailbox, %function
wait_in_mailbox:
    hint    #34                         // bti c
    isb                                 // erratum E1041 of Falkor: before SCTLR_EL1.M is cleared
    msr     sctlr_el1, x1
    isb
    mov     x2, #1
    str     x2, [x0, #256]              // is_parked
    dsb     sy
1:  ldr     x2, [x0]                    // entry
    cbnz    x2, 2f
    wfe
    b       1b
2:  br      x2
    .size   wait_in_mailbox, . - wait_in_mailbox
