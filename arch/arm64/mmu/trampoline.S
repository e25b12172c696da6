/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The idmap trampoline: the code that changes TTBR1 cannot be fetched through TTBR1. It lies in a page that is mapped at its
 * physical address by the idmap in TTBR0, touches no memory, and runs with interrupts masked.
 */
    .section .idmap.text, "ax"

/*
 * Turns the MMU on and continues at a virtual address on the given root.
 * x0: SCTLR_EL1 value, x1: TTBR1_EL1 value of the root, x3: virtual address to continue at.
 * MAIR, TCR, TTBR0 = idmap and TTBR1 = reserved root are written already.
 */
    .global enable_mmu
    .type   enable_mmu, %function
enable_mmu:
    tlbi    vmalle1                     // entries from before reset or from firmware
    ic      iallu
    dsb     nsh
    isb
    msr     sctlr_el1, x0
    isb
    mrs     x2, ttbr1_el1
    mov     x0, x1
    mov     x1, x2
    mov     x30, x3
    // falls through: every CPU gets onto its root by the same code
    .size   enable_mmu, . - enable_mmu

/*
 * replace_ttbr1(x0: new TTBR1_EL1 value, x1: that of the reserved, empty root)
 *
 * Two roots may map one address to different pages, so the change needs break-before-make for the whole address space: the
 * empty root goes in first, then the TLB is emptied. The old root could still fill the TLB up to the first ISB; nothing can
 * after it, until the new root is in (Arm ARM D8.16.1; D8.2.3 for TTBR1 writes needing an ISB).
 */
    .global replace_ttbr1
    .type   replace_ttbr1, %function
replace_ttbr1:
    hint    #34                         // bti c
    msr     ttbr1_el1, x1
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     ttbr1_el1, x0
    isb
    ret
    .size   replace_ttbr1, . - replace_ttbr1
