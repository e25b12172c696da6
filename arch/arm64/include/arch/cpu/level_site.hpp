// SPDX-License-Identifier: BSD-2-Clause
// Instructions that name a register of one exception level. Each is linked as EL1 needs it. A kernel at EL2
// replaces it at boot, before there is a second CPU, by one other instruction
// (arch/percpu_modes/level_sites.hpp). So no level pays for the other.
//
// The registers are TPIDR_EL1, which the CPU does not redirect at EL2, so that the distance is in TPIDR_EL2
// there; and those of the alarm, where only the physical timer of EL2 has an interrupt.
//
// PERCIVAL_READ_DISTANCE and PERCIVAL_WRITE_DISTANCE are the only places that name the register of the
// distance (arch/percpu/register.hpp); read_distance and write_distance are the same in assembly.
#pragma once

// When the instruction is replaced.
#define PERCIVAL_AT_EL2 1
#define PERCIVAL_WITH_PHYSICAL_TIMER 2

// clang-format off
#ifdef __ASSEMBLER__

    .macro  read_distance register
90: mrs     \register, tpidr_el1
    .pushsection level_sites, "a"
    .long   90b - ., PERCIVAL_AT_EL2
    mrs     \register, tpidr_el2
    .popsection
    .endm

    .macro  write_distance register
90: msr     tpidr_el1, \register
    .pushsection level_sites, "a"
    .long   90b - ., PERCIVAL_AT_EL2
    msr     tpidr_el2, \register
    .popsection
    .endm

#else
// clang-format on

// Emits `linked`, and an arch::LevelSite with `other`: texts of one instruction each. For asm statements with
// operands. The "?" joins the table to the group of the function, as in arch/percpu/sequence.hpp.
#define PERCIVAL_LEVEL_SITE(condition, linked, other) \
    "90: " linked "\n"                                \
    ".pushsection level_sites, \"a?\", %%progbits\n"  \
    ".long 90b - ., " PERCIVAL_LEVEL_TEXT(condition) "\n" other "\n.popsection\n"
#define PERCIVAL_LEVEL_TEXT(condition) PERCIVAL_LEVEL_WORD(condition)
#define PERCIVAL_LEVEL_WORD(condition) #condition

#define PERCIVAL_READ_DISTANCE(register) \
    PERCIVAL_LEVEL_SITE(PERCIVAL_AT_EL2, "mrs " register ", tpidr_el1", "mrs " register ", tpidr_el2")
#define PERCIVAL_WRITE_DISTANCE(register) \
    PERCIVAL_LEVEL_SITE(PERCIVAL_AT_EL2, "msr tpidr_el1, " register, "msr tpidr_el2, " register)

#endif
