// SPDX-License-Identifier: BSD-2-Clause
// The parts of which the sequences of the this_cpu operations consist, out of line (arch/percpu/site.hpp) and
// in line (arch/percpu/in_line.hpp): text of asm statements with the operands that site.hpp describes.
#pragma once

#include "arch/cpu/level_site.hpp"

#define PERCIVAL_AT_GLOBAL "[%[global]]"
#define PERCIVAL_AT_DISTANCE "[x18, %[address]]"
#define PERCIVAL_AT_FIXUP_DISTANCE "[%[address], %[distance]]"

#define PERCIVAL_MAKE_GLOBAL "add %[global], x18, %[address]\n"

// The parts of a guarded sequence. `thread` is a register with the thread pointer. A switch that became due
// is made out of line, and continues at the label `back`.
#define PERCIVAL_COUNT_UP(thread)        \
    "ldr %w[scratch], [" thread "]\n"    \
    "add %w[scratch], %w[scratch], #1\n" \
    "str %w[scratch], [" thread "]\n"
#define PERCIVAL_COUNT_DOWN(thread)       \
    "ldr %w[scratch], [" thread "]\n"     \
    "sub %w[scratch], %w[scratch], #1\n"  \
    "str %w[scratch], [" thread "]\n"     \
    "ldr %w[scratch], [" thread ", #4]\n" \
    "cbnz %w[scratch], 6f\n"
#define PERCIVAL_SWITCH_IF_DUE(back)     \
    "6: str x30, [sp, #-16]!\n"          \
    "bl switch_after_percpu_operation\n" \
    "ldr x30, [sp], #16\n"               \
    "b " back "\n"

// Names the numbers of the general registers, so that the assembler can put a register's number into an
// instruction: .Lpercpu_number_x7 is 7.
asm(".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, "
    "25, 26, 27, 28, 29, 30\n"
    ".equ .Lpercpu_number_x\\number, \\number\n"
    ".endr");

// The parts of a fixup sequence. `thread` is a register with the thread pointer, `local` the operand with the
// local address. The encoding is that of arch::PercpuNote (arch/percpu_modes/fixup.hpp).
#define PERCIVAL_FIXUP_NOTE(thread, local)                                                 \
    "mov %w[global], #(.Lpercpu_number_" local " | (.Lpercpu_number_%x[distance] << 5) | " \
    "(.Lpercpu_number_%x[global] << 10))\n"                                                \
    "strh %w[global], [" thread ", #8]\n" PERCIVAL_READ_DISTANCE("%[distance]")
#define PERCIVAL_FIXUP_ADD(local) "add %[global], " local ", %[distance]\n"
#define PERCIVAL_FIXUP_CLEAR(thread) "strh wzr, [" thread ", #8]\n"

// The "?" joins these sections to the group of the function, so that the linker discards the sequences of a
// discarded inline function too.
#define PERCIVAL_OUT_OF_LINE_CODE(code) \
    ".pushsection .percpu_op.text, \"ax?\", %%progbits\n" code ".popsection\n"
#define PERCIVAL_RESTART_SEQUENCE(prepare, operation) \
    "4: " prepare operation "b 3b\n"                  \
    ".pushsection restartable, \"a?\", %%progbits\n"  \
    ".long 4b - .\n"                                  \
    ".long 8b - 4b\n"                                 \
    ".popsection\n"
