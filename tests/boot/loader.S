/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A minimal boot loader for the boot tests. It enters the Image at IMAGE_AT with the address TREE_AT of the
 * device tree in x0, in the state in which QEMU starts kernels. With PEN_CPUS it first sends that many CPUs,
 * with affinities from 1 upward, into a pen, as firmware without PSCI does. Each of them waits until an
 * address appears in its own word of the table at offset PEN_TABLE. QEMU's `virt` loads this code as a raw
 * kernel.
 *
 * With LEFT_GIC, the version of the GIC, it leaves interrupts pending and active, as whoever ran before a
 * kernel may. With GROUP_1, a GICR_IGROUPR0 for each of CPUS CPUs, it is firmware: it is entered at EL3,
 * assigns the private interrupts to groups, and enters the Image at EL1 in the non-secure state. QEMU has no
 * PSCI then and starts all CPUs at once, so PEN_CPUS must be given too.
 */
#define PSCI_CPU_ON 0xc4000003

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
    mov     x1, x19                     // affinity of the CPU to start
    adr     x2, pen                     // entry point of that CPU
    mov     x3, x19                     // x0 at the entry point
    hvc     #0
    add     x19, x19, #1
    cmp     x19, #PEN_CPUS
    b.ls    1b
#endif
#ifdef LEFT_GIC
    bl      leave_interrupts
#endif
    ldr     x0, =TREE_AT
    mov     x1, xzr
    mov     x2, xzr
    mov     x3, xzr
    ldr     x4, =IMAGE_AT
    br      x4

#ifdef PEN_CPUS
pen:
    adr     x1, pen_table
    add     x1, x1, x0, lsl #3
2:  wfe
    ldr     x2, [x1]
    cbz     x2, 2b
    br      x2
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
