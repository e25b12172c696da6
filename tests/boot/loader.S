/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A minimal boot loader for the boot tests. It enters the Image at IMAGE_AT with the address TREE_AT of the
 * device tree in x0, in the state in which QEMU starts kernels. With PEN_CPUS it first sends that many CPUs,
 * from CPU 1 upward, into a pen, as firmware without PSCI does. Each of them waits until an address appears
 * in its own word of the table at offset PEN_TABLE; with PEN_SHARED all of them wait for the first word of
 * that table. With PEN_AT_EL1 they go from EL2 to EL1 first. QEMU's `virt` loads this code as a raw kernel.
 *
 * With SYSTEM_ERROR it changes from EL2 to EL1 with a system error pending, as a loader does that touched a
 * device without a clock. With LEFTOVERS every CPU enters with all registers full of values that the boot
 * protocol leaves open. With LEFT_GIC, the version of the GIC, it leaves interrupts pending and active, as
 * whoever ran before a kernel may. With GROUP_1, a GICR_IGROUPR0 for each of CPUS CPUs, it is firmware: it is
 * entered at EL3, assigns the private interrupts to groups, and enters the Image at EL1 in the non-secure
 * state. QEMU has no PSCI then and starts all CPUs at once, so PEN_CPUS must be given too.
 */
#define PSCI_CPU_ON 0xc4000003
#define JUNK        0xa5a5a5a5a5a5a5a5

#ifdef LEFTOVERS
/* Continues at `label` if the field of an ID register that begins at bit `shift` says "not implemented". */
    .macro  skip_without id, shift, label
    mrs     x10, \id
    ubfx    x10, x10, #\shift, #4
    cbz     x10, \label
    .endm

/* Sets registers to the value in a general register. */
    .macro  set_all value, registers:vararg
    .irp    register, \registers
    msr     \register, \value
    .endr
    .endm

/* Makes x1 to x30, SP and the flags junk. `except` keeps its value. */
    .macro  leave_general_registers except=none
    .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26
    .ifnc   x\n, \except
    ldr     x\n, =JUNK + \n
    .endif
    .endr
    ldr     x27, =JUNK
    mov     x28, x27
    mov     x29, x27
    mov     x30, x27
    mov     sp, x27
    msr     nzcv, x11
    .endm
#endif

    .text
    .global _start
_start:
#ifdef GROUP_1
    bl      be_firmware
    mrs     x0, mpidr_el1
    ands    x0, x0, #0xff
    b.ne    pen
#elif defined(PEN_CPUS)
    mov     x19, #1
1:  ldr     x0, =PSCI_CPU_ON
    and     x1, x19, #15                // affinity of the CPU to start: 16 CPUs to a cluster, as QEMU has
    lsr     x2, x19, #4                 // them with a GICv3
    orr     x1, x1, x2, lsl #8
    adr     x2, pen                     // entry point of that CPU
    mov     x3, x19                     // x0 at the entry point
    mrs     x4, currentel
    tbnz    x4, #3, 2f                  // EL2: QEMU's PSCI takes SMC there, and HVC at EL1
    hvc     #0
    b       3f
2:  smc     #0
3:  add     x19, x19, #1
    cmp     x19, #PEN_CPUS
    b.ls    1b
#endif
#ifdef SYSTEM_ERROR
    // HCR_EL2: API, APK, RW for a kernel at EL1; VSE: a virtual SError is pending; AMO: EL1 takes it
    ldr     x0, =(1 << 41 | 1 << 40 | 1 << 31 | 1 << 8 | 1 << 5)
    msr     hcr_el2, x0
    msr     sctlr_el1, xzr
    mov     x0, #0x3c5                  // EL1h, DAIF masked
    msr     spsr_el2, x0
    adr     x0, 1f
    msr     elr_el2, x0
    eret
1:
#endif
#ifdef LEFT_GIC
    bl      leave_interrupts
#endif
#ifdef LEFTOVERS
    bl      leave_system_registers
    leave_general_registers
#endif
    ldr     x0, =TREE_AT
    mov     x1, xzr
    mov     x2, xzr
    mov     x3, xzr
    ldr     x4, =IMAGE_AT
    br      x4

#ifdef PEN_CPUS
pen:
#ifdef PEN_AT_EL1
    ldr     x1, =(1 << 41 | 1 << 40 | 1 << 31) // HCR_EL2: API, APK, RW
    msr     hcr_el2, x1
    mov     x1, #0x3c5                  // EL1h, DAIF masked
    msr     spsr_el2, x1
    adr     x1, 4f
    msr     elr_el2, x1
    eret
4:
#endif
#ifdef LEFTOVERS
    bl      leave_system_registers
    mov     x19, x0
    leave_general_registers except=x19
    mov     x0, x19
#endif
    adr     x1, pen_table
#ifndef PEN_SHARED
    add     x1, x1, x0, lsl #3
#endif
2:  wfe
    ldr     x2, [x1]
    cbz     x2, 2b
    br      x2
#endif

#ifdef LEFTOVERS
/*
 * Makes the system registers of EL1, and of EL2 if this is EL2, as bad as a predecessor may leave them. The
 * MMU stays off, DAIF masked, and data little-endian, as the boot protocol demands. Clobbers x9 to x12.
 */
leave_system_registers:
    ldr     x12, =JUNK
    mov     x11, #-1
    mrs     x9, currentel
    ubfx    x9, x9, #2, #2

    // EL1. Only from EL2 can its data be made big-endian.
    mov     x10, #-2                    // all but M
    cmp     x9, #2
    b.eq    1f
    bic     x10, x10, #(1 << 25)        // EE
1:  msr     sctlr_el1, x10
    set_all x12, tcr_el1, ttbr0_el1, ttbr1_el1, mair_el1, amair_el1, vbar_el1, contextidr_el1
    set_all x12, tpidr_el0, tpidrro_el0, tpidr_el1, elr_el1, far_el1, esr_el1, par_el1
    set_all x11, cpacr_el1, cntkctl_el1
    msr     cntv_cval_el0, xzr
    mov     x10, #1
    msr     cntv_ctl_el0, x10
    msr     cntp_cval_el0, xzr
    msr     cntp_ctl_el0, x10
    skip_without s3_0_c0_c7_3, 0, 1f
    msr     s3_0_c2_c0_3, x11           // TCR2_EL1
1:  skip_without s3_0_c0_c7_3, 4, 1f
    msr     s3_0_c1_c0_3, x11           // SCTLR2_EL1

    // Breakpoints at the start of the image, and watchpoints of 2 GiB over all of it
1:  ldr     x10, =WATCHED
    .irp    n, 0, 1, 2, 3, 4, 5
    msr     dbgbvr\n\()_el1, x10
    .endr
    .irp    n, 0, 1, 2, 3
    msr     dbgwvr\n\()_el1, x10
    .endr
    ldr     x10, =0x1e3                 // all four bytes, at EL1, enabled
    .irp    n, 0, 1, 2, 3, 4, 5
    msr     dbgbcr\n\()_el1, x10
    .endr
    ldr     x10, =0x1f001ffb            // 2 GiB, loads and stores, at EL1, enabled
    .irp    n, 0, 1, 2, 3
    msr     dbgwcr\n\()_el1, x10
    .endr
    ldr     x10, =0xb001                // MDE, KDE, TDCC, SS
    msr     mdscr_el1, x10
    mov     x10, #1
    set_all x10, osdlr_el1, oslar_el1

    skip_without id_aa64dfr0_el1, 8, 1f // all counters run, and have overflowed with an interrupt
    set_all x11, pmuserenr_el0, pmcntenset_el0, pmintenset_el1, pmovsset_el0, pmevtyper0_el0, pmevcntr0_el0
    mov     x10, #0x39                  // E, D, X, DP
    msr     pmcr_el0, x10

1:  cmp     x9, #2
    b.ne    2f
    // EL2
    set_all x12, vbar_el2, tpidr_el2, tcr_el2, ttbr0_el2, mair_el2, vtcr_el2, vttbr_el2, cntvoff_el2
    set_all x12, vpidr_el2, vmpidr_el2, elr_el2, spsr_el2, esr_el2, far_el2
    set_all x11, hstr_el2, cptr_el2, hacr_el2
    msr     cnthctl_el2, xzr            // without E2H everything is trapped
    ldr     x10, =0x84fe0               // TDE, TDA, TDOSA, TDRA, TPM, TPMCR, TPMS, TTRF; no counter for EL1
    msr     mdcr_el2, x10
    mov     x10, #-2                    // all but M
    bic     x10, x10, #(1 << 25)        // EE
    msr     sctlr_el2, x10
    skip_without id_aa64mmfr1_el1, 40, 1f
    msr     s3_4_c1_c2_2, x11           // HCRX_EL2
1:  skip_without id_aa64mmfr0_el1, 56, 1f
    set_all x11, s3_4_c1_c1_4, s3_4_c1_c1_5, s3_4_c1_c1_6, s3_4_c3_c1_4, s3_4_c3_c1_5 // HFG*, HDFG*
1:  skip_without id_aa64pfr0_el1, 24, 1f
    msr     s3_4_c12_c11_0, x11         // ICH_HCR_EL2
    msr     s3_4_c12_c9_5, xzr          // ICC_SRE_EL2
1:  msr     hcr_el2, x11

    // The fields of PSTATE that a CPU may have
2:  skip_without id_aa64mmfr1_el1, 20, 1f
    msr     s3_0_c4_c2_3, x11           // PAN
1:  skip_without id_aa64mmfr2_el1, 4, 1f
    msr     s3_0_c4_c2_4, x11           // UAO
1:  skip_without id_aa64pfr0_el1, 48, 1f
    msr     s3_3_c4_c2_5, x11           // DIT
1:  skip_without id_aa64pfr1_el1, 36, 1f
    msr     s3_0_c4_c3_0, x11           // ALLINT
1:  isb
    ret
#endif
#if defined(LEFT_GIC) || defined(GROUP_1)
#define GICD 0x08000000
#define GICR 0x080a0000                 // for each CPU a control frame and a frame for private interrupts
#define GICC 0x08010000                 // GICv2
#endif

#ifdef LEFT_GIC
/*
 * Leaves all SGIs and PPIs of every CPU and 32 shared interrupts pending and enabled. On a GICv2 only the
 * PPIs of the CPU itself, because the registers of the others cannot be reached from it. Leaves SGI 0 active
 * on this CPU, and with it the most urgent priority, in Group 0.
 */
leave_interrupts:
    ldr     x0, =GICD
    mov     w1, #-1
#if LEFT_GIC == 3
    mov     w2, #0x13                   // GICD_CTLR: affinity routing, both groups
    str     w2, [x0]
    ldr     x3, =GICR
    mov     x4, #CPUS
3:  str     wzr, [x3, #0x14]            // GICR_WAKER
    add     x5, x3, #0x10, lsl #12
    mov     w2, #~1
    str     w2, [x5, #0x80]             // GICR_IGROUPR0: SGI 0 in Group 0
    str     w1, [x5, #0x100]            // GICR_ISENABLER0
    str     w1, [x5, #0x200]            // GICR_ISPENDR0
    add     x3, x3, #0x20, lsl #12
    subs    x4, x4, #1
    b.ne    3b
    str     w1, [x0, #0x84]             // GICD_IGROUPR1
#else
    mov     w2, #1
    str     w2, [x0]                    // GICD_CTLR
    str     w1, [x0, #0x200]            // GICD_ISPENDR0
    str     w1, [x0, #0x100]            // GICD_ISENABLER0
    mov     w2, #0xff0000               // to all CPUs
    mov     x4, #16
3:  str     w2, [x0, #0xf00]            // GICD_SGIR
    add     w2, w2, #1
    subs    x4, x4, #1
    b.ne    3b
#endif
    str     w1, [x0, #0x204]            // GICD_ISPENDR1
    str     w1, [x0, #0x104]            // GICD_ISENABLER1
#if LEFT_GIC == 3
    mov     x2, #7
    msr     icc_sre_el1, x2
    isb
    mov     x2, #0xff
    msr     icc_pmr_el1, x2
    mov     x2, #1
    msr     icc_igrpen0_el1, x2
    isb
4:  mrs     x2, icc_iar0_el1            // SGI 0, which QEMU serves first
    cbnz    x2, 4b
#else
    ldr     x3, =GICC
    mov     w2, #0xff
    str     w2, [x3, #4]                // GICC_PMR
    mov     w2, #1
    str     w2, [x3]                    // GICC_CTLR
    ldr     w2, [x3, #0xc]              // GICC_IAR
#endif
    ret
#endif

#ifdef GROUP_1
be_firmware:
    mrs     x0, mpidr_el1
    ands    x0, x0, #0xff
    b.ne    6f                          // CPU 0 does this for all
    ldr     x0, =GICD
    mov     w1, #0x30                   // GICD_CTLR: affinity routing in both security states
    str     w1, [x0]
    ldr     x3, =GICR
    adr     x4, groups
    mov     x5, #CPUS
5:  str     wzr, [x3, #0x14]            // GICR_WAKER
    ldr     w1, [x4], #4
    add     x6, x3, #0x10, lsl #12
    str     w1, [x6, #0x80]             // GICR_IGROUPR0
    add     x3, x3, #0x20, lsl #12
    subs    x5, x5, #1
    b.ne    5b
6:  mov     x1, #0xf
    msr     icc_sre_el3, x1             // SRE, DFB, DIB, Enable
    isb
    mov     x1, #0xff
    msr     icc_pmr_el1, x1             // from here on the non-secure state may write it
    msr     cptr_el3, xzr
    msr     mdcr_el3, xzr
    ldr     x1, =0x30d00800             // RES1 bits
    msr     sctlr_el1, x1
    mov     x1, #0x535                  // RW, HCE, FIQ, NS, RES1 bits
    msr     scr_el3, x1
    mov     x1, #0x3c5                  // EL1h, all masked
    msr     spsr_el3, x1
    msr     elr_el3, x30
    eret
groups:
    .word   GROUP_1
#endif
    .ltorg

#ifdef PEN_CPUS
    .org    PEN_TABLE
pen_table:
    .skip   8 * 512
#endif
