// SPDX-License-Identifier: BSD-2-Clause
// Recognizes the few A64 instructions that tests look for in live code (Arm ARM C4.1, A64 instruction set
// encoding). Offsets are in instructions. Pure functions, any context.
#pragma once

#include "kernel/lib/types.hpp"

#include <optional>

namespace percival::arch {

constexpr s32 sign_extend(u32 value, unsigned bits)
{
    return static_cast<s32>(value << (32 - bits)) >> (32 - bits);
}

// Returns the offset of a B, or nothing for any other instruction (BL included).
constexpr std::optional<s32> branch_offset(u32 instruction)
{
    if ((instruction & 0xfc00'0000) != 0x1400'0000)
        return {};
    return sign_extend(instruction & 0x03ff'ffff, 26);
}

// Returns the offset of a B.cond, CBZ or CBNZ, or nothing for any other instruction.
constexpr std::optional<s32> conditional_branch_offset(u32 instruction)
{
    const bool b_cond = (instruction & 0xff00'0010) == 0x5400'0000;
    const bool compare = (instruction & 0x7e00'0000) == 0x3400'0000;
    if (!b_cond && !compare)
        return {};
    return sign_extend((instruction >> 5) & 0x7'ffff, 19);
}

// True for LDADD, LDCLR, LDSET, SWP and their variants, CAS and CASP (FEAT_LSE).
constexpr bool is_lse_atomic(u32 instruction)
{
    const bool memory_operation = (instruction & 0x3f20'0c00) == 0x3820'0000;
    const bool compare_and_swap = (instruction & 0x3fa0'7c00) == 0x08a0'7c00;
    const bool of_a_pair = (instruction & 0xbfa0'7c00) == 0x0820'7c00;
    return memory_operation || compare_and_swap || of_a_pair;
}

// True for LDR, LDRB, LDRH of a general register with an immediate or a register offset.
constexpr bool is_load(u32 instruction)
{
    return (instruction & 0x3fc0'0000) == 0x3940'0000 || (instruction & 0x3fe0'0c00) == 0x3860'0800;
}

// True for STR and its variants, LDXR, STXR, and pairs of either.
constexpr bool is_store_or_exclusive(u32 instruction)
{
    const bool store = (instruction & 0x3fc0'0000) == 0x3900'0000;
    const bool exclusive = (instruction & 0x3f80'0000) == 0x0800'0000;
    const bool pair = (instruction & 0x3e00'0000) == 0x2800'0000;
    return store || exclusive || pair;
}

// True for STXR and its variants, and STXP.
constexpr bool is_store_exclusive(u32 instruction)
{
    return (instruction & 0x3fe0'0000) == 0x0800'0000 || (instruction & 0xbfe0'0000) == 0x8820'0000;
}

// True for CASL, CASLB, CASLH, STLXR and their variants: a CPU that acquires the stored value sees the writes
// made before it.
constexpr bool is_release(u32 instruction)
{
    const bool compare_and_swap = (instruction & 0x3fa0'7c00) == 0x08a0'7c00;
    return (compare_and_swap || is_store_exclusive(instruction)) && (instruction & 0x8000) != 0;
}

// True for STR, STRB, STRH of a general register with an immediate or a register offset.
constexpr bool is_plain_store(u32 instruction)
{
    return (instruction & 0x3fc0'0000) == 0x3900'0000 || (instruction & 0x3fe0'0c00) == 0x3820'0800;
}

// is_add_to_x18(): true for an ADD of two registers whose first operand is x18 (arch/percpu/register.hpp).
// is_access_from_x18(): true for an LDR or STR whose base register is x18.
constexpr bool is_add_to_x18(u32 instruction)
{
    return (instruction & 0xffe0'ffe0) == 0x8b00'0240;
}
constexpr bool is_access_from_x18(u32 instruction)
{
    return (instruction & 0x3fa0'ffe0) == 0x3820'6a40;
}

static_assert(is_lse_atomic(0xf829'014a) &&
              !is_lse_atomic(0xf940'012a));                        // ldadd x9, x10, [x10]; ldr x10, [x9]
static_assert(is_lse_atomic(0xc8a9'7d01) && is_load(0xf940'012a)); // cas x9, x1, [x8]
static_assert(is_lse_atomic(0x4820'7d02) && !is_lse_atomic(0xc87f'290a)); // casp x0, x1, x2, x3, [x8]; ldxp
static_assert(is_store_exclusive(0xc80c'7d0b) && is_store_exclusive(0xc82c'0d02) &&
              !is_store_exclusive(0xc87f'290a) && !is_store_exclusive(0x4820'7d02)); // stxr, stxp; ldxp, casp
static_assert(is_release(0xc8a9'fd01) && !is_release(0xc8a9'7d01) && is_release(0xc80c'fd0b) &&
              !is_release(0xc80c'7d0b)); // casl, cas; stlxr, stxr
static_assert(is_store_or_exclusive(0xc85f'7d0a) && is_store_or_exclusive(0xc80c'7d0b)); // ldxr, stxr
static_assert(branch_offset(0x1400'0000) == 0 && branch_offset(0x17ff'ffff) == -1 &&
              !branch_offset(0x9400'0000));
static_assert(is_add_to_x18(0x8b08'0249) && !is_add_to_x18(0x8b08'0269)); // add x9, x18, x8; add x9, x19, x8
static_assert(is_access_from_x18(0xf868'6a40) &&
              is_access_from_x18(0x3828'6a41)); // ldr x0, [x18, x8]; strb w1
static_assert(conditional_branch_offset(0x54ff'ffc1) == -2 && conditional_branch_offset(0x35ff'ffac) == -3);

} // namespace percival::arch
