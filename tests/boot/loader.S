/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A minimal boot loader for the boot tests. It enters the Image at IMAGE_AT with the address TREE_AT of the
 * device tree in x0, in the state in which QEMU starts kernels. With PEN_CPUS it first sends that many CPUs,
 * from CPU 1 upward, into a pen, as firmware without PSCI does. Each of them waits until an address appears
 * in its own word of the table at offset PEN_TABLE; with PEN_SHARED all of them wait for the first word of
 * that table. With SYSTEM_ERROR it changes from EL2 to EL1 with a system error pending, as a loader does that
 * touched a device without a clock. QEMU's `virt` loads this code as a raw kernel.
 */
#define PSCI_CPU_ON 0xc4000003

    .text
    .global _start
_start:
#ifdef PEN_CPUS
    mov     x19, #1
1:  ldr     x0, =PSCI_CPU_ON
    and     x1, x19, #15                // affinity of the CPU to start: 16 CPUs to a cluster, as QEMU has
    lsr     x2, x19, #4                 // them with a GICv3
    orr     x1, x1, x2, lsl #8
    adr     x2, pen                     // entry point of that CPU
    mov     x3, x19                     // x0 at the entry point
    hvc     #0
    add     x19, x19, #1
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
    ldr     x0, =TREE_AT
    mov     x1, xzr
    mov     x2, xzr
    mov     x3, xzr
    ldr     x4, =IMAGE_AT
    br      x4

#ifdef PEN_CPUS
pen:
    adr     x1, pen_table
#ifndef PEN_SHARED
    add     x1, x1, x0, lsl #3
#endif
2:  wfe
    ldr     x2, [x1]
    cbz     x2, 2b
    br      x2
#endif
    .ltorg

#ifdef PEN_CPUS
    .org    PEN_TABLE
pen_table:
    .skip   8 * 512
#endif
