/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The jump from the firmware's world into the kernel's. Runs where the firmware loaded the image, which the
 * firmware maps there as executable; that is why no code of the copy runs before the MMU is off.
 */
    .section .text.uefi, "ax"

#define SCTLR_M_C_I ((1 << 0) | (1 << 2) | (1 << 12))

/*
 * void uefi_enter_kernel(u64 device_tree, u64 entry): turns MMU and caches off and jumps to `entry` with the
 * tree in x0, as the boot protocol wants. Boot services have ended, interrupts are masked, and the code here
 * and everything that the kernel reads with its MMU off was cleaned to memory.
 */
    .global uefi_enter_kernel
    .type   uefi_enter_kernel, %function
uefi_enter_kernel:
    mov     x4, #SCTLR_M_C_I
    mrs     x2, currentel
    cmp     x2, #(2 << 2)
    b.ne    1f
    mrs     x3, sctlr_el2
    bic     x3, x3, x4
    msr     sctlr_el2, x3
    b       2f
1:  mrs     x3, sctlr_el1
    bic     x3, x3, x4
    msr     sctlr_el1, x3
2:  isb
    ic      iallu                       // lines of what lay at the entry before
    dsb     nsh
    isb
    br      x1
    .global uefi_enter_kernel_end
uefi_enter_kernel_end:
    .size   uefi_enter_kernel, . - uefi_enter_kernel
