/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's first instructions, for the boot CPU and for the others. Code after a *_virtual label runs at
 * its linked address. All other code here runs with the MMU off, at the address to which the image was
 * loaded. Boot protocol: Linux Documentation/arch/arm64/booting.rst, "Call the kernel image": MMU off,
 * x0 = physical address of the device tree, EL1 or EL2, interrupts masked.
 */
#include "arch/cpu/level_site.hpp"
#include "asm_offsets.h"

#define EL1_PSTATE 0x3c5                // EL1h, DAIF masked, every other field 0
#define PSTATE_WITHOUT_LEVEL 0x3c1      // the same with the bits of CurrentEL 0
#define HVC_RETURN_TO_EL2 2             // firmware is called with 0 (SMCCC 2.3)
// MMU, caches and alignment checks off, little-endian. The bits that are RES1 without a feature are 1, which
// makes exception entry and return context synchronizing.
#define SCTLR_EL2_MMU_OFF 0x30c50830

    .section .head.text, "ax"
    .global _start
_start:
    add     x13, x18, #0x16             // code0: its bytes begin with "MZ", as a PE/COFF file does
    b       primary_entry               // code1
    .quad   0                           // text_offset: 0 from a 2 MiB boundary
    .quad   _image_size                 // BSS included
    .quad   8 | (GRANULE_FLAG << 1)     // little-endian, granule, any address
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   _pe_header - . + 0x3c       // distance from _start: boot/pe_header.S

    .section .text.boot, "ax"

/* Entry of the boot CPU. x20: physical address of the device tree, x22: its vectors */
    .type   primary_entry, %function
primary_entry:
    msr     spsel, #1
    msr     daifset, #15
    mov     x20, x0
    bl      reset_this_level
    // Lines that the loader left in the caches over our writable part would later be evicted over our
    // uncached stores.
    adrp    x0, _data
    adrp    x1, _ebss
    bl      discard_cached
    adrp    x0, _edata
    adrp    x1, _ebss
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    adrp    x0, boot_stack_top
    mov     sp, x0
    mov     x29, xzr
    adrp    x22, refusal_vectors
    add     x22, x22, :lo12:refusal_vectors
    mrs     x1, currentel
    cmp     x1, #(3 << 2)
    b.eq    entered_at_el3
    bl      enter_level
    mov     x0, x20
    bl      boot_build_tables           // returns the TTBR1 value of the master root, and the kernel's level
    mov     x19, x0
    cmp     x1, #(2 << 2)
    b.ne    1f
    hvc     #HVC_RETURN_TO_EL2
1:  bl      boot_prepare_cpu            // returns the SCTLR value that turns the MMU on
    mov     x20, x0
    // Lines filled speculatively since then hold the memory as it was before our uncached stores.
    adrp    x0, _data
    adrp    x1, _ebss
    bl      discard_cached
    mov     x0, x20
    mov     x1, x19
    ldr     x3, =primary_virtual
    b       enable_mmu

primary_virtual:
    adrp    x0, boot_stack_top
    mov     sp, x0
    adrp    x0, exception_vectors
    add     x0, x0, :lo12:exception_vectors
    msr     vbar_el1, x0
    write_distance xzr                  // no percpu data yet
#ifndef PERCIVAL_FREE_X18
    mov     x18, xzr                    // arch/percpu/register.hpp
#endif
    adrp    x0, boot_thread
    add     x0, x0, :lo12:boot_thread
    msr     sp_el0, x0                  // arch/threads/thread_pointer.hpp
    isb
    mov     x29, xzr
    bl      kernel_main
    .size   primary_entry, . - primary_entry

/* x20: physical address of the device tree */
entered_at_el3:
    msr     vbar_el3, x22
    msr     cptr_el3, xzr               // library code may use FP registers
    isb
    mov     x0, x20
    bl      boot_refuse_el3

/*
 * The vectors of the boot CPU while its MMU is off. Nothing returns to the interrupted code: an exception is
 * the reason of a refusal, or ends one step of it. Interrupts are masked.
 */
    .balign 2048
refusal_vectors:
    .rept 16
    .balign 128
    b       refusal_exception
    .endr
    .balign 128

    .type   refusal_exception, %function
refusal_exception:
    msr     spsel, #1
    adrp    x0, boot_stack_top
    mov     sp, x0
    mov     x29, xzr
    mrs     x0, currentel
    cmp     x0, #(3 << 2)
    b.eq    1f
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    bl      boot_handle_exception
1:  mrs     x0, esr_el3
    mrs     x1, elr_el3
    bl      boot_handle_exception
    .size   refusal_exception, . - refusal_exception

/*
 * Entry of the other CPUs. Each CPU finds its record by its affinity, which works for PSCI and for spin
 * tables. A CPU without a record stops, and one that is entered at EL3. If the kernel is at EL2, a CPU that
 * was entered at EL1 or lacks VHE turns its MMU on only to report that.
 * x19: TTBR1 value of its own root, x20: record, x21: TPIDR value, x22: its vectors, then top of its stack
 */
    .global secondary_entry
    .type   secondary_entry, %function
secondary_entry:
    msr     spsel, #1
    msr     daifset, #15
    bl      reset_this_level
    mrs     x1, currentel
    cmp     x1, #(3 << 2)               // no way to EL1 is known from there: this CPU never comes
    b.eq    3f
    mrs     x1, mpidr_el1
    and     x2, x1, #0xffffff
    and     x1, x1, #0xff00000000
    orr     x1, x1, x2
    adrp    x2, boot_records
    add     x2, x2, :lo12:boot_records
    ldp     x20, x3, [x2]
1:  cbz     x3, 3f
    ldr     x4, [x20, #BOOT_RECORD_MPIDR]
    cmp     x4, x1
    b.eq    2f
    add     x20, x20, #BOOT_RECORD_SIZE
    sub     x3, x3, #1
    b       1b
2:  add     x0, x20, #BOOT_RECORD_SIZE
    mov     sp, x0
    mov     x29, xzr
    adrp    x22, early_vectors
    add     x22, x22, :lo12:early_vectors
    bl      enter_level
    bl      boot_prepare_cpu
    ldr     x19, [x20, #BOOT_RECORD_ROOT]
    ldr     x21, [x20, #BOOT_RECORD_TPIDR]
    ldr     x22, [x20, #BOOT_RECORD_STACK_TOP]
    mov     x1, x19
    ldr     x3, =secondary_virtual
    b       enable_mmu
3:  wfi
    b       3b

secondary_virtual:
    mov     sp, x22
    adrp    x1, handoff
    add     x1, x1, :lo12:handoff
    ldr     x1, [x1, #HANDOFF_LEVEL]
    mrs     x0, currentel
    cmp     x0, x1
    b.eq    4f
    mov     x0, x21                     // at EL1 it cannot set TPIDR_EL2
    bl      secondary_at_other_level
4:  write_distance x21
#ifndef PERCIVAL_FREE_X18
    mov     x18, x21                    // arch/percpu/register.hpp
#endif
    adrp    x0, idle_thread
    add     x0, x0, :lo12:idle_thread
    add     x0, x0, x21                 // global address of this CPU's idle thread
    msr     sp_el0, x0
    adrp    x0, exception_vectors
    add     x0, x0, :lo12:exception_vectors
    msr     vbar_el1, x0
    isb
    mov     x29, xzr
    bl      secondary_main
    .size   secondary_entry, . - secondary_entry

/*
 * Makes the vectors and the SCTLR of the entered level ours. Runs before the first access to memory, which
 * SCTLR could make big-endian or check for alignment, so it loads no literal and uses no stack. Clobbers x0
 * to x2.
 */
    .type   reset_this_level, %function
reset_this_level:
    adrp    x0, early_vectors
    add     x0, x0, :lo12:early_vectors
    mrs     x2, currentel
    cmp     x2, #(2 << 2)
    b.ne    1f
    mov     w1, #(SCTLR_EL2_MMU_OFF & 0xffff)
    movk    w1, #(SCTLR_EL2_MMU_OFF >> 16), lsl #16
    msr     vbar_el2, x0
    msr     sctlr_el2, x1
    isb
    ret
1:  mov     w1, #(SCTLR_EL1_MMU_OFF & 0xffff)
    movk    w1, #(SCTLR_EL1_MMU_OFF >> 16), lsl #16
    msr     vbar_el1, x0
    msr     sctlr_el1, x1
    isb
    ret
    .size   reset_this_level, . - reset_this_level

/*
 * Continues after the call on the same stack, from either level: at EL2 if this CPU is there and the kernel
 * is known to run there, else at EL1, with the vectors at x22. The exception return also resets the fields of
 * PSTATE that exist only with some feature, and that no instruction of every CPU could name. Clobbers x21 and
 * the caller-saved registers.
 */
    .type   enter_level, %function
enter_level:
    mov     x21, x30
    mrs     x0, currentel
    cmp     x0, #(2 << 2)
    b.ne    1f
leave_or_stay:                          // x21: where to continue
    bl      boot_configure_el2          // returns the CurrentEL to continue at
    adr     x1, 2f
    msr     elr_el2, x1
    add     x0, x0, #PSTATE_WITHOUT_LEVEL
    msr     spsr_el2, x0
    mov     x2, sp
    msr     sp_el1, x2
    eret
1:  adr     x0, 2f
    msr     elr_el1, x0
    mov     x0, #EL1_PSTATE
    msr     spsr_el1, x0
    eret
2:  msr     vbar_el1, x22
    isb
    ret     x21
    .size   enter_level, . - enter_level

/*
 * Vectors of EL2 for good under a kernel at EL1, and of the kernel until exception_vectors can be reached.
 * EL2 runs with its MMU off, so this code is position independent. It has no stack: TPIDR_EL2 holds x0
 * meanwhile.
 */
    .balign 2048
    .type   early_vectors, %function
early_vectors:
    .rept 8
    .balign 128
    b       stop_early                  // from this level
    .endr
    .balign 128
    b       trapped_from_el1
    .rept 7
    .balign 128
    b       stop_early                  // interrupts and SErrors stay at EL1, which is AArch64
    .endr
    .balign 128
    .size   early_vectors, . - early_vectors

/* Takes an exception during boot, when nothing can be printed yet. */
    .type   stop_early, %function
stop_early:
    msr     daifset, #15
1:  wfi
    b       1b
    .size   stop_early, . - stop_early

/* Hands the exception that brought EL1 here to the vectors of EL1, as if it had been taken there. */
    .macro  hand_to_el1 elr, spsr, esr, far, vbar
    mrs     x0, elr_el2
    msr     \elr, x0
    mrs     x0, spsr_el2
    msr     \spsr, x0
    mrs     x0, esr_el2
    msr     \esr, x0
    mrs     x0, far_el2
    msr     \far, x0
    mrs     x0, \vbar
    add     x0, x0, #0x200              // synchronous, from EL1h
    msr     elr_el2, x0
    mov     x0, #EL1_PSTATE
    msr     spsr_el2, x0
    mrs     x0, tpidr_el2
    eret
    .endm

/*
 * A synchronous exception of EL1 came to EL2. There is no hypervisor: an HVC gets the answer "not supported"
 * of the SMC Calling Convention (DEN 0028), and everything else is for EL1 to report. With E2H = 1 the
 * registers of EL1 have other names here. HVC #2 of the boot CPU continues at EL2, if the kernel has chosen
 * EL2.
 */
    .type   trapped_from_el1, %function
trapped_from_el1:
    msr     tpidr_el2, x0
    mrs     x0, esr_el2
    lsr     x0, x0, #26
    cmp     x0, #0x16                   // HVC
    b.ne    1f
    mrs     x0, esr_el2
    and     x0, x0, #0xffff
    cmp     x0, #HVC_RETURN_TO_EL2
    b.ne    3f
    adrp    x0, handoff
    add     x0, x0, :lo12:handoff
    ldr     x0, [x0, #HANDOFF_LEVEL]
    cmp     x0, #(2 << 2)
    b.ne    3f
    mrs     x0, sp_el1
    mov     sp, x0
    mrs     x21, elr_el2
    b       leave_or_stay
3:  mov     x0, #-1
    eret
1:  mrs     x0, hcr_el2
    tbnz    x0, #34, 2f                 // E2H
    hand_to_el1 elr_el1, spsr_el1, esr_el1, far_el1, vbar_el1
2:  hand_to_el1 s3_5_c4_c0_1, s3_5_c4_c0_0, s3_5_c5_c2_0, s3_5_c6_c0_0, s3_5_c12_c0_0
    .size   trapped_from_el1, . - trapped_from_el1

/* Writes back and discards the data cache lines of [x0, x1). Clobbers x0, x2, x3. */
    .type   discard_cached, %function
discard_cached:
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2
1:  dc      civac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ret
    .size   discard_cached, . - discard_cached

    .section .bss.page_aligned, "aw", %nobits
    .balign 2 * STACK_SIZE              // arch/threads/stack_size.hpp: bit STACK_SHIFT is set on overflow
    .global boot_stack
boot_stack:
    .space  STACK_SIZE
    .global boot_stack_top
boot_stack_top:
