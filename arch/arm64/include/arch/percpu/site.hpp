// SPDX-License-Identifier: BSD-2-Clause
// Where a this_cpu operation is in the text: a site, always one instruction, chosen at boot and by tests
// (arch/percpu_modes/alternatives.hpp). In local mode with FEAT_LSE, and for plain loads and stores, it is
// the operation itself; in other forms a branch to a sequence out of line that branches back.
//
//      .text              .percpu_op.text                                         section alternatives
//   1: b …             2: local, LL/SC    loop                                    { 1b - . , ldadd …, 0,
//   3: …               20: restart, LSE   add x18;  ldadd                           2b - . , 20b - . ,
//                      21: restart, LL/SC add x18;  loop                            21b - . , … }
//                      22: guarded, LSE   count up; add x18; ldadd; count down
//                      23: guarded, LL/SC count up; add x18; loop;  count down
//
// As linked, the site is the LL/SC form of the build's default mode, which every AArch64 CPU has and which is
// right from the first instruction: local, or restart where local mode was left out of the build.
//
// A load or store in place may be the last of a sequence that Cortex-A53 executes wrongly (erratum 843419).
// Then the linker moves it into a veneer, and the site is a branch to that in local mode. The other modes
// have no such sequence: they load and store through no register that an ADRP has written.
//
// x18 is the distance from the local address to this CPU's global one (arch/percpu/register.hpp). A load or
// store by pointer takes it as an offset: in restart mode, too, it is one instruction, and the site itself.
//
// A restart sequence computes this CPU's global address and uses it. Between the two it may be interrupted
// and moved to another CPU, so an exception that hits it in [4, 8), the commit not yet executed, returns to
// label 4 (arch/percpu_modes/restart.hpp, section restartable). Before its commit a sequence changes scratch
// registers only.
//
// A guarded sequence counts in the thread's Preemption (kernel/sync/preemption.hpp): both are to be changed
// together. A switch that became due meanwhile is made at label 6.
//
// Operands of the asm statement: [address] the local address, or [page] and [symbol], the page of a static
// variable and its name; [global] 64 bits and [scratch] 32 bits of scratch, early-clobbered both. An
// operation is a macro of the address operand, as text, and of anything else; its text may use local label 5,
// begins its retries at 4, and has label 8 behind the instruction that commits.
//
// All of it for counter.add(1) on a PerCpu<u64>, as disassembled: x8 is the local address, x9
// the 1, x10 takes the old value; x11 is [scratch], x12 is [global].
//
//      .text
//          adrp  x8, counter                  these two are out of a loop
//          add   x8, x8, :lo12:counter
//   1:     b     2f                           as linked
//          ldadd x9, x10, [x8]                instead of it in local mode with FEAT_LSE; STADD: x10 is xzr
//          b     20f (21f, 22f, 23f)          instead of it in the other modes
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
//   20:                                       restart: an interrupt before label 8 goes back to label 4
//   4:     add   x12, x18, x8                 this CPU's global address
//          ldadd x9, x10, [x12]
//   8:     b     3b
//
//   21:                                       restart, without FEAT_LSE
//   4:     add   x12, x18, x8
//          ldxr  x10, [x12]
//          add   x10, x10, x9
//          stxr  w11, x10, [x12]
//   8:     cbnz  w11, 4b                      from the address on: the CPU may be another one
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
//          ldr   w11, [x12, #4]               due
//          cbnz  w11, 6f
//          b     3b
//   6:     str   x30, [sp, #-16]!             a switch became due meanwhile
//          bl    switch_after_percpu_operation
//          ldr   x30, [sp], #16
//          b     3b
//
//   23:    …                                  guarded, without FEAT_LSE: 22 with the loop of 21 at label 4,
//                                             begun again behind the address
#pragma once

#define PERCIVAL_AT_LOCAL "[%[address]]"
#define PERCIVAL_AT_GLOBAL "[%[global]]"
#define PERCIVAL_AT_DISTANCE "[x18, %[address]]"

#define PERCIVAL_AT_LOCAL_SYMBOL "[%[page], :lo12:%[symbol]]"
#define PERCIVAL_AT_GLOBAL_SYMBOL "[%[global], :lo12:%[symbol]]"

#define PERCIVAL_MAKE_GLOBAL "add %[global], x18, %[address]\n"
#define PERCIVAL_MAKE_GLOBAL_PAGE "add %[global], x18, %[page]\n"

// What every operation needs besides its own operands. [address] and [memory] are one register; only the
// first can be written without brackets.
#define PERCIVAL_PERCPU_SCRATCH [scratch] "=&r"(scratch), [global] "=&r"(global)

#define PERCIVAL_COUNT_UP                \
    "mrs %[global], sp_el0\n"            \
    "ldr %w[scratch], [%[global]]\n"     \
    "add %w[scratch], %w[scratch], #1\n" \
    "str %w[scratch], [%[global]]\n"
#define PERCIVAL_COUNT_DOWN              \
    "mrs %[global], sp_el0\n"            \
    "ldr %w[scratch], [%[global]]\n"     \
    "sub %w[scratch], %w[scratch], #1\n" \
    "str %w[scratch], [%[global]]\n"     \
    "ldr %w[scratch], [%[global], #4]\n" \
    "cbnz %w[scratch], 6f\n"
#define PERCIVAL_SWITCH_IF_DUE           \
    "6: str x30, [sp, #-16]!\n"          \
    "bl switch_after_percpu_operation\n" \
    "ldr x30, [sp], #16\n"               \
    "b 3b\n"

// Sections are joined to the group of the function, so that a discarded inline function takes its sequences
// along ("?").
#define PERCIVAL_OUT_OF_LINE(label, code) \
    ".pushsection .percpu_op.text, \"ax?\", %%progbits\n" label ": " code ".popsection\n"
#define PERCIVAL_LOCAL_SEQUENCE(operation) "4: " operation "b 3b\n"
#define PERCIVAL_RESTART_SEQUENCE(prepare, operation) \
    "4: " prepare operation "b 3b\n"                  \
    ".pushsection restartable, \"a?\", %%progbits\n"  \
    ".long 4b - .\n"                                  \
    ".long 8b - 4b\n"                                 \
    ".popsection\n"
#define PERCIVAL_GUARDED_SEQUENCE(prepare, operation) \
    PERCIVAL_COUNT_UP prepare "4: " operation PERCIVAL_COUNT_DOWN "b 3b\n" PERCIVAL_SWITCH_IF_DUE

// An arch::Alternative. `in_place`: the site in local mode with FEAT_LSE, and in restart mode if that is one
// instruction too. `result_is_unused`: "1" for an LDADD that may as well be a STADD.
#define PERCIVAL_ALTERNATIVE(in_place, in_place_restart, result_is_unused, local, restart, restart_llsc, \
                             guarded, guarded_llsc)                                                      \
    ".pushsection alternatives, \"a?\", %%progbits\n"                                                    \
    ".arch_extension lse\n"                                                                              \
    ".long 1b - .\n" in_place in_place_restart ".long " result_is_unused "\n"                            \
    ".long " local "\n"                                                                                  \
    ".long " restart "\n"                                                                                \
    ".long " restart_llsc "\n"                                                                           \
    ".long " guarded " - .\n"                                                                            \
    ".long " guarded_llsc " - .\n"                                                                       \
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

// An atomic operation: LSE(at, …) is one instruction, LLSC(at, …) a loop.
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
                    PERCIVAL_ALTERNATIVE(LSE(PERCIVAL_AT_LOCAL, __VA_ARGS__), PERCIVAL_NOT_IN_PLACE,         \
                                         result_is_unused, PERCIVAL_LOCAL_LLSC_OFFSET, "20b - .", "21b - .", \
                                         "22b", "23b")

// A plain load or store: ACCESS(at, …) is one instruction, which takes a register offset too.
#define PERCIVAL_PERCPU_ACCESS(ACCESS, ...)                                                                 \
    PERCIVAL_ACCESS_SITE(ACCESS(PERCIVAL_AT_LOCAL, __VA_ARGS__), ACCESS(PERCIVAL_AT_DISTANCE, __VA_ARGS__)) \
    PERCIVAL_OUT_OF_LINE("22", PERCIVAL_GUARDED_SEQUENCE("", ACCESS(PERCIVAL_AT_DISTANCE, __VA_ARGS__)))    \
    PERCIVAL_ALTERNATIVE(ACCESS(PERCIVAL_AT_LOCAL, __VA_ARGS__), ACCESS(PERCIVAL_AT_DISTANCE, __VA_ARGS__), \
                         "0", "0", "0", "0", "22b", "22b")

// The same of a static variable. There is no instruction with a register offset and part of an address.
#define PERCIVAL_PERCPU_STATIC_ACCESS(ACCESS, ...)                                                        \
    PERCIVAL_STATIC_ACCESS_SITE(ACCESS(PERCIVAL_AT_LOCAL_SYMBOL, __VA_ARGS__))                            \
    PERCIVAL_OUT_OF_LINE("20", PERCIVAL_RESTART_SEQUENCE(PERCIVAL_MAKE_GLOBAL_PAGE,                       \
                                                         ACCESS(PERCIVAL_AT_GLOBAL_SYMBOL, __VA_ARGS__))) \
    PERCIVAL_OUT_OF_LINE("22", PERCIVAL_GUARDED_SEQUENCE(PERCIVAL_MAKE_GLOBAL_PAGE,                       \
                                                         ACCESS(PERCIVAL_AT_GLOBAL_SYMBOL, __VA_ARGS__))) \
    PERCIVAL_ALTERNATIVE(ACCESS(PERCIVAL_AT_LOCAL_SYMBOL, __VA_ARGS__), PERCIVAL_NOT_IN_PLACE, "0", "0",  \
                         "20b - .", "20b - .", "22b", "22b")
