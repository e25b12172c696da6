// SPDX-License-Identifier: BSD-2-Clause
// Fills a translation table with an arithmetic series, 16 descriptors in 12 instructions. With general
// registers each descriptor takes an addition and half a store pair, at least 1.5 instructions. A vector
// addition makes two descriptors.
//
// A vector store is single-copy atomic for each of its 64-bit elements (Arm ARM B2.2.1), as table walkers
// need.
    .arch_extension simd
    .text

// void arch_fill_sixteens(u64* first, u64 count, u64 value, u64 step)
//   x0 first slot   x1 count, a multiple of 16, not 0   x2 first value   x3 step
// Preserves the vector registers, because interrupted library code may be using them. The caller allows them.
    .global arch_fill_sixteens
    .type arch_fill_sixteens, %function
arch_fill_sixteens:
    hint #34                        // BTI c
    stp q0, q1, [sp, #-80]!
    stp q2, q3, [sp, #32]
    str q4, [sp, #64]
    // v0 to v3: the next 8 values, two in each register; v4: 8 * step in both elements
    add x4, x2, x3
    fmov d0, x2
    mov v0.d[1], x4
    lsl x4, x3, #1
    dup v4.2d, x4
    add v1.2d, v0.2d, v4.2d
    add v2.2d, v1.2d, v4.2d
    add v3.2d, v2.2d, v4.2d
    lsl x4, x3, #3
    dup v4.2d, x4
1:  st1 {v0.2d-v3.2d}, [x0], #64
    add v0.2d, v0.2d, v4.2d
    add v1.2d, v1.2d, v4.2d
    add v2.2d, v2.2d, v4.2d
    add v3.2d, v3.2d, v4.2d
    st1 {v0.2d-v3.2d}, [x0], #64
    add v0.2d, v0.2d, v4.2d
    add v1.2d, v1.2d, v4.2d
    add v2.2d, v2.2d, v4.2d
    add v3.2d, v3.2d, v4.2d
    subs x1, x1, #16
    b.ne 1b
    ldr q4, [sp, #64]
    ldp q2, q3, [sp, #32]
    ldp q0, q1, [sp], #80
    ret
    .size arch_fill_sixteens, . - arch_fill_sixteens
