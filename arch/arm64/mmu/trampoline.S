/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The idmap trampoline. The code that changes TTBR1 cannot be fetched through TTBR1, so it lies in a page
 * that the idmap in TTBR0 maps at its physical address. It runs with all exceptions masked, because the
 * vectors are not mapped either, and touches no memory but that of arch/arm64/mmu/off_root.cpp.
 */
    .section .idmap.text, "ax"

/*
 * Turns the MMU on and continues at a virtual address on the given root.
 * x0: SCTLR_EL1 value, x1: TTBR1_EL1 value of the root, x3: virtual address to continue at
 * The caller has written MAIR and TCR, TTBR0 with the idmap, and TTBR1 with the reserved root.
 */
    .global enable_mmu
    .type   enable_mmu, %function
enable_mmu:
    tlbi    vmalle1                     // drops entries from before reset or from firmware
    ic      iallu
    dsb     nsh
    isb
    msr     sctlr_el1, x0
    isb
    ic      iallu                       // drops what was fetched between the first IC IALLU and caches on
    dsb     nsh
    isb
    mrs     x2, ttbr1_el1
    mov     x0, x1
    mov     x1, x2
    mov     x30, x3
    // falls through: every CPU gets onto its root by the same code, with the reserved root in x1
    .size   enable_mmu, . - enable_mmu

/*
 * replace_ttbr1(x0: new TTBR1_EL1 value, x1: TTBR1_EL1 value of the reserved, empty root)
 *
 * Puts this CPU on a new root. Two roots may map one address to different pages, so the change needs
 * break-before-make for the whole address space (Arm ARM D8.16.1). It first installs the empty root and then
 * empties the TLB. The old root can fill the TLB until the first ISB (Arm ARM D8.2.3: TTBR1 writes need an
 * ISB). After that ISB nothing can, until the new root is installed.
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

/*
 * stop_without_mmu(x0: SCTLR_EL1 value that turns the MMU off)
 *
 * Stops this CPU for good. It translates nothing any more, so it need not hear of changes of the tables.
 */
    .global stop_without_mmu
    .type   stop_without_mmu, %function
stop_without_mmu:
    hint    #34                         // bti c
    isb                                 // erratum E1041 of Falkor: before SCTLR_EL1.M is cleared
    msr     sctlr_el1, x0
    isb
1:  wfi
    b       1b
    .size   stop_without_mmu, . - stop_without_mmu

/*
 * wait_off_root(x0: this CPU's TTBR1_EL1 value, x1: that of the reserved, empty root,
 *               x2: a byte that becomes 1 once this CPU cannot translate by its root any more,
 *               x3: a byte that ends the wait once it is not 0)
 *
 * Takes this CPU off its root, as replace_ttbr1 does, and puts it back later. Both bytes are at physical
 * addresses in the page of data that the idmap maps. The acquire, and the ISB after the write of TTBR1, let
 * this CPU walk the tables as they were when the byte was set.
 */
    .global wait_off_root
    .type   wait_off_root, %function
wait_off_root:
    hint    #34                         // bti c
    msr     ttbr1_el1, x1               // no walk by its root any more
    isb
    tlbi    vmalle1                     // and no entry of it
    dsb     nsh
    isb
    mov     w4, #1
    stlrb   w4, [x2]
    sevl                                // the first WFE does not sleep
1:  wfe
    ldaxrb  w4, [x3]                    // a store to the byte ends the next WFE
    cbz     w4, 1b
    msr     ttbr1_el1, x0
    isb
    ret
    .size   wait_off_root, . - wait_off_root
