// SPDX-License-Identifier: BSD-2-Clause
// The operations of a build that has several modes; arch/percpu/in_line.hpp has those of a build of one mode.
// A site is the place of a this_cpu operation in the text. It is always one instruction, which the kernel
// chooses at boot and tests choose later (arch/percpu_modes/alternatives.hpp). In local mode with FEAT_LSE,
// and for plain loads and stores, the site is the operation itself. In other forms it is a branch to a
// sequence out of line, which branches back.
//
//      .text              .percpu_op.text                                         section alternatives
//   1: b …             2: local, LL/SC    loop                                    { 1b - . , ldadd …, 0,
//   3: …               20: restart, LSE   add x18;  ldadd                           2b - . , 20b - . ,
//                      21: restart, LL/SC add x18;  loop                            21b - . , … }
//                      22: guarded, LSE   count up; add x18; ldadd; count down
//                      23: guarded, LL/SC count up; add x18; loop;  count down
//                      24: fixup, LSE     note; add; ldadd; clear
//                      25: fixup, LL/SC   note; add; loop;  clear
//
// As linked, the site is the LL/SC form of the build's default mode: local, or restart if the build leaves
// out local mode. Every AArch64 CPU can execute this form, so it is right from the first instruction.
//
// A load or store in place may be the last of a sequence that Cortex-A53 executes wrongly (erratum 843419).
// The linker then moves it into a veneer, and the site is a branch to the veneer in local mode. The other
// modes have no such sequence: they load and store through no register that an ADRP has written.
//
// x18 is the distance from the local address to this CPU's global address (arch/percpu/register.hpp). A load
// or store by pointer uses x18 as its base and the local address as its offset. So it is one instruction, and
// the site itself, in restart mode too.
//
// A restart sequence computes this CPU's global address and then uses it. An exception between the two may
// move the thread to another CPU. So an exception within [4, 8), where the commit has not executed yet,
// returns to label 4 (arch/percpu_modes/restart.hpp, section restartable). Before its commit a sequence
// changes only scratch registers (INV-restart-1).
//
// A guarded sequence counts in the thread's Preemption (kernel/sync/preemption.hpp). A change of that class's
// layout must change these sequences too. If a switch became due meanwhile, the sequence makes it at label 6.
//
// A fixup sequence notes in a halfword of the thread (Preemption::percpu_note) which registers hold the local
// address, this CPU's distance and their sum. An exception that finds the note writes distance and sum anew
// into the saved registers, for the CPU on which it returns (arch/percpu_modes/fixup.hpp), so the sequence
// continues where it was, on any CPU. It reads the distance from TPIDR_EL1 (at EL2 from TPIDR_EL2)
// and does not use x18.
//
// INV-fixup-1: the note is stored before the distance is read, and cleared after the operation; in line, too.
//              From one to the other the registers that it names hold what it says, or are scratch that the
//              sequence does not read before it writes it: the three differ, and none holds the thread
//              pointer, the status of an STXR, an operand or (except the address, after the operation) a
//              result.
//
// Operands of the asm statement: [address], the local address; or [page] and [symbol], the page of a static
// variable and its name; and 64 bits of scratch in [global] and [distance] and 32 bits in [scratch], all
// early-clobbered. Fixup sequences use all 64 bits of the register of [scratch].
// An operation is a macro that takes the address operand as text, and further arguments. Its text may use
// local label 5, begins its retries at label 4, and has label 8 after the instruction that commits.
//
// The whole code of counter.add(1) on a PerCpu<u64>, as disassembled. x8 is the local address, x9 is the 1,
// x10 takes the old value, x11 is [scratch], x12 is [global], x13 is [distance].
//
//      .text
//          adrp  x8, counter                  a loop executes these two once, before it begins
//          add   x8, x8, :lo12:counter
//   1:     b     2f                           as linked
//          ldadd x9, x10, [x8]                at 1 in local mode with FEAT_LSE; as STADD, x10 is xzr
//          b     20f (21f to 25f)             at 1 in the other modes
//   3:     …
//
//      .percpu_op.text
//   2:                                        local, without FEAT_LSE
//   4:     ldxr  x10, [x8]
//          add   x10, x10, x9
//          stxr  w11, x10, [x8]
//   8:     cbnz  w11, 4b
//          b     3b
//
//   20:                                       restart: an exception before label 8 returns to label 4
//   4:     add   x12, x18, x8                 this CPU's global address
//          ldadd x9, x10, [x12]
//   8:     b     3b
//
//   21:                                       restart, without FEAT_LSE
//   4:     add   x12, x18, x8
//          ldxr  x10, [x12]
//          add   x10, x10, x9
//          stxr  w11, x10, [x12]
//   8:     cbnz  w11, 4b                      computes the address again, as the CPU may have changed
//          b     3b
//
//   22:    mrs   x12, sp_el0                  guarded: the thread's Preemption
//          ldr   w11, [x12]
//          add   w11, w11, #1                 count up: the thread stays on this CPU
//          str   w11, [x12]
//          add   x12, x18, x8
//   4:     ldadd x9, x10, [x12]
//   8:     mrs   x12, sp_el0
//          ldr   w11, [x12]
//          sub   w11, w11, #1                 count down
//          str   w11, [x12]
//          ldr   w11, [x12, #4]               Preemption::due
//          cbnz  w11, 6f
//          b     3b
//   6:     str   x30, [sp, #-16]!             a switch became due meanwhile
//          bl    switch_after_percpu_operation
//          ldr   x30, [sp], #16
//          b     3b
//
//   23:    …                                  guarded, without FEAT_LSE: as 22, but with the loop of 21 at
//                                             label 4, which keeps its address when it retries
//
//   24:    mrs   x11, sp_el0                  fixup: the thread's Preemption
//          mov   w12, #(8 | 13 << 5 | 12 << 10)
//          strh  w12, [x11, #8]               note the registers
//          mrs   x13, tpidr_el1
//          add   x12, x8, x13                 an exception from here on writes x13 and x12 anew
//   4:     ldadd x9, x10, [x12]
//   8:     strh  wzr, [x11, #8]               clear the note
//          b     3b
//
//   25:    …                                  fixup, without FEAT_LSE: as 24, but with the loop of 21 at
//                                             label 4, which keeps its address when it retries, and then
//                                             mrs x11, sp_el0 again
#pragma once

#include "arch/percpu/scratch.hpp"
#include "arch/percpu/sequence.hpp"

#define PERCIVAL_AT_LOCAL "[%[address]]"

#define PERCIVAL_AT_LOCAL_SYMBOL "[%[page], :lo12:%[symbol]]"
#define PERCIVAL_AT_GLOBAL_SYMBOL "[%[global], :lo12:%[symbol]]"

#define PERCIVAL_MAKE_GLOBAL_PAGE "add %[global], x18, %[page]\n"

// The operands that every operation needs besides its own. [address] and [memory] are the same register, but
// only [address] prints without brackets.
#define PERCIVAL_PERCPU_SCRATCH \
    [scratch] "=&r"(scratch.scratch), [global] "=&r"(scratch.global), [distance] "=&r"(scratch.distance)
#define PERCIVAL_PERCPU_ACCESS_SCRATCH PERCIVAL_PERCPU_SCRATCH
#define PERCIVAL_PERCPU_ADDRESS(local) [address] "r"(local)
#define PERCIVAL_PERCPU_RESULT "=r"
#define PERCIVAL_PERCPU_STATIC_OPERANDS [page] "r"(percpu_page<Variable>()), [symbol] "S"(&Variable)

#define PERCIVAL_LOCAL_SEQUENCE(operation) "4: " operation "b 3b\n"
#define PERCIVAL_OUT_OF_LINE(label, code) PERCIVAL_OUT_OF_LINE_CODE(label ": " code)
#define PERCIVAL_GUARDED_THREAD "mrs %[global], sp_el0\n"
#define PERCIVAL_GUARDED_SEQUENCE(prepare, operation)                \
    PERCIVAL_GUARDED_THREAD PERCIVAL_COUNT_UP("%[global]") prepare   \
        "4: " operation PERCIVAL_GUARDED_THREAD PERCIVAL_COUNT_DOWN( \
            "%[global]") "b 3b\n" PERCIVAL_SWITCH_IF_DUE("3b")
#define PERCIVAL_FIXUP_THREAD "mrs %x[scratch], sp_el0\n"
#define PERCIVAL_FIXUP_SEQUENCE(local, prepare, operation, reload)          \
    PERCIVAL_FIXUP_THREAD PERCIVAL_FIXUP_NOTE("%x[scratch]", local) prepare \
        "4: " operation reload PERCIVAL_FIXUP_CLEAR("%x[scratch]") "b 3b\n"

// Emits an arch::Alternative. `in_place` is the instruction of the site in local mode with FEAT_LSE.
// `in_place_restart` is its instruction in restart mode, or PERCIVAL_NOT_IN_PLACE if restart mode takes a
// sequence. `result_is_unused` is "1" for an LDADD that may be a STADD instead.
#define PERCIVAL_ALTERNATIVE(in_place, in_place_restart, result_is_unused, local, restart, restart_llsc, \
                             guarded, guarded_llsc, fixup, fixup_llsc)                                   \
    ".pushsection alternatives, \"a?\", %%progbits\n"                                                    \
    ".arch_extension lse\n"                                                                              \
    ".long 1b - .\n" in_place ".long " result_is_unused "\n"                                             \
    ".long " local "\n" in_place_restart ".long " restart "\n"                                           \
    ".long " restart_llsc "\n"                                                                           \
    ".long " guarded " - .\n"                                                                            \
    ".long " guarded_llsc " - .\n"                                                                       \
    ".long " fixup " - .\n"                                                                              \
    ".long " fixup_llsc " - .\n"                                                                         \
    ".popsection\n"
#define PERCIVAL_NOT_IN_PLACE ".long 0\n"

#if PERCIVAL_LOCAL_PERCPU
#define PERCIVAL_ATOMIC_SITE "1: b 2f\n3:\n"
#define PERCIVAL_LOCAL_LLSC(operation) PERCIVAL_OUT_OF_LINE("2", PERCIVAL_LOCAL_SEQUENCE(operation))
#define PERCIVAL_LOCAL_LLSC_OFFSET "2b - ."
#define PERCIVAL_ACCESS_SITE(local, restart) "1: " local "3:\n"
#define PERCIVAL_STATIC_ACCESS_SITE(local) "1: " local "3:\n"
#else
#define PERCIVAL_ATOMIC_SITE "1: b 21f\n3:\n"
#define PERCIVAL_LOCAL_LLSC(operation)
#define PERCIVAL_LOCAL_LLSC_OFFSET "0"
#define PERCIVAL_ACCESS_SITE(local, restart) "1: " restart "3:\n"
#define PERCIVAL_STATIC_ACCESS_SITE(local) "1: b 20f\n3:\n"
#endif

// The code of an atomic operation. LSE(at, …) is one instruction, LLSC(at, …) a loop.
#define PERCIVAL_PERCPU_ATOMIC(result_is_unused, LSE, LLSC, ...)                                             \
    PERCIVAL_ATOMIC_SITE                                                                                     \
    PERCIVAL_LOCAL_LLSC(LLSC(PERCIVAL_AT_LOCAL, __VA_ARGS__))                                                \
    ".arch_extension lse\n" PERCIVAL_OUT_OF_LINE(                                                            \
        "20", PERCIVAL_RESTART_SEQUENCE(PERCIVAL_MAKE_GLOBAL, LSE(PERCIVAL_AT_GLOBAL, __VA_ARGS__)))         \
        PERCIVAL_OUT_OF_LINE(                                                                                \
            "21", PERCIVAL_RESTART_SEQUENCE(PERCIVAL_MAKE_GLOBAL, LLSC(PERCIVAL_AT_GLOBAL, __VA_ARGS__)))    \
            PERCIVAL_OUT_OF_LINE(                                                                            \
                "22", PERCIVAL_GUARDED_SEQUENCE(PERCIVAL_MAKE_GLOBAL, LSE(PERCIVAL_AT_GLOBAL, __VA_ARGS__))) \
                PERCIVAL_OUT_OF_LINE("23", PERCIVAL_GUARDED_SEQUENCE(PERCIVAL_MAKE_GLOBAL,                   \
                                                                     LLSC(PERCIVAL_AT_GLOBAL, __VA_ARGS__))) \
                    PERCIVAL_OUT_OF_LINE(                                                                    \
                        "24", PERCIVAL_FIXUP_SEQUENCE("%x[address]", PERCIVAL_FIXUP_ADD("%[address]"),       \
                                                      LSE(PERCIVAL_AT_GLOBAL, __VA_ARGS__), ""))             \
                        PERCIVAL_OUT_OF_LINE(                                                                \
                            "25", PERCIVAL_FIXUP_SEQUENCE("%x[address]", PERCIVAL_FIXUP_ADD("%[address]"),   \
                                                          LLSC(PERCIVAL_AT_GLOBAL, __VA_ARGS__),             \
                                                          PERCIVAL_FIXUP_THREAD))                            \
                            PERCIVAL_ALTERNATIVE(LSE(PERCIVAL_AT_LOCAL, __VA_ARGS__), PERCIVAL_NOT_IN_PLACE, \
                                                 result_is_unused, PERCIVAL_LOCAL_LLSC_OFFSET, "20b - .",    \
                                                 "21b - .", "22b", "23b", "24b", "25b")

// The code of a plain load or store. ACCESS(at, …) is one instruction, which also takes a register offset.
#define PERCIVAL_PERCPU_ACCESS(ACCESS, ...)                                                                  \
    PERCIVAL_ACCESS_SITE(ACCESS(PERCIVAL_AT_LOCAL, __VA_ARGS__), ACCESS(PERCIVAL_AT_DISTANCE, __VA_ARGS__))  \
    PERCIVAL_OUT_OF_LINE("22", PERCIVAL_GUARDED_SEQUENCE("", ACCESS(PERCIVAL_AT_DISTANCE, __VA_ARGS__)))     \
    PERCIVAL_OUT_OF_LINE("24", PERCIVAL_FIXUP_SEQUENCE("%x[address]", "",                                    \
                                                       ACCESS(PERCIVAL_AT_FIXUP_DISTANCE, __VA_ARGS__), "")) \
    PERCIVAL_ALTERNATIVE(ACCESS(PERCIVAL_AT_LOCAL, __VA_ARGS__), ACCESS(PERCIVAL_AT_DISTANCE, __VA_ARGS__),  \
                         "0", "0", "0", "0", "22b", "22b", "24b", "24b")

// The code of a plain load or store of a static variable. Restart mode takes a sequence here, because no
// instruction takes both a register offset and part of an address.
#define PERCIVAL_PERCPU_STATIC_ACCESS(ACCESS, ...)                                                          \
    PERCIVAL_STATIC_ACCESS_SITE(ACCESS(PERCIVAL_AT_LOCAL_SYMBOL, __VA_ARGS__))                              \
    PERCIVAL_OUT_OF_LINE("20", PERCIVAL_RESTART_SEQUENCE(PERCIVAL_MAKE_GLOBAL_PAGE,                         \
                                                         ACCESS(PERCIVAL_AT_GLOBAL_SYMBOL, __VA_ARGS__)))   \
    PERCIVAL_OUT_OF_LINE("22", PERCIVAL_GUARDED_SEQUENCE(PERCIVAL_MAKE_GLOBAL_PAGE,                         \
                                                         ACCESS(PERCIVAL_AT_GLOBAL_SYMBOL, __VA_ARGS__)))   \
    PERCIVAL_OUT_OF_LINE("24", PERCIVAL_FIXUP_SEQUENCE("%x[page]", PERCIVAL_FIXUP_ADD("%[page]"),           \
                                                       ACCESS(PERCIVAL_AT_GLOBAL_SYMBOL, __VA_ARGS__), "")) \
    PERCIVAL_ALTERNATIVE(ACCESS(PERCIVAL_AT_LOCAL_SYMBOL, __VA_ARGS__), PERCIVAL_NOT_IN_PLACE, "0", "0",    \
                         "20b - .", "20b - .", "22b", "22b", "24b", "24b")
