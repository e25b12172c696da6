// SPDX-License-Identifier: BSD-2-Clause
// The operations of a build that has one mode only (PERCIVAL_PERCPU_MODE). The sequence of that mode stands
// in line, where an operation is used: it has no branch to a sequence and back. These are the figures to
// compare modes by.
//
// In a loop, where local address and thread pointer are in registers, with FEAT_LSE:
//
//               read    add     add_return    cmpxchg
//      restart  1       2       3             3
//      fixup    5       6       7             7
//      guarded  10      11      12            12
//
// A load or store is never patched. An atomic operation is one patched instruction in the sequence, label 1:
// with FEAT_LSE it is the operation, otherwise a branch to a loop of LDXR and STXR. The loop stands out of
// line in every build, since one in line would cost the CPUs with FEAT_LSE a branch around it. As linked the
// site is that branch, which is right on every CPU.
//
//      .text                                      .percpu_op.text
//      restart          add   x12, x18, x8        4: add x12, x18, x8
//                    1: ldadd x9, x10, [x12]      2: ldxr; add; stxr
//                    3: …                         8: cbnz 4b; b 3b
//
//      fixup            mov   w12, #note          2:
//                       strh  w12, [x0, #8]       4: ldxr; add; stxr
//                       mrs   x13, tpidr_el1      8: cbnz 4b; b 3b
//                       add   x12, x8, x13
//                    1: ldadd x9, x10, [x12]
//                    3: strh  wzr, [x0, #8]
//
//      guarded          ldr   w11, [x0]           2:
//                       add   w11, w11, #1        4: ldxr; add; stxr
//                       str   w11, [x0]           8: cbnz 4b; b 3b
//                       mrs   x12, tpidr_el1
//                       add   x12, x12, x8
//                    1: ldadd x9, x10, [x12]
//                    3: ldr   w11, [x0]
//                       sub   w11, w11, #1
//                       str   w11, [x0]
//                       ldr   w11, [x0, #4]
//                       cbnz  w11, 6f             6: a switch became due meanwhile
//
// Restart mode needs no table of the sequences in line: the instruction before an uncommitted operation adds
// to x18, which no other code does (INV-restart-3).
//
// Only restart mode uses x18. Fixup and guarded mode read TPIDR_EL1, as other kernels do; at EL2,
// TPIDR_EL2.
//
// The operands are those of arch/percpu/site.hpp, and [thread], the thread pointer. A static variable is
// accessed like any other, because the address of its page would need an add in every mode.
#pragma once

#include "arch/percpu/scratch.hpp"
#include "arch/percpu/sequence.hpp"
#include "arch/threads/thread_pointer.hpp"

// PERCIVAL_PERCPU_RESULT: the result of a load may not share the register of [thread], which the end of a
// sequence needs.
#if PERCIVAL_PERCPU_IN_LINE == 1 // restart
#define PERCIVAL_PERCPU_RESULT "=r"
#define PERCIVAL_PERCPU_SCRATCH [scratch] "=&r"(scratch.scratch), [global] "=&r"(scratch.global)
#define PERCIVAL_PERCPU_ACCESS_SCRATCH
#define PERCIVAL_PERCPU_ADDRESS(local) [address] "r"(local)
#define PERCIVAL_BEGIN_ATOMIC PERCIVAL_MAKE_GLOBAL
#define PERCIVAL_END_ATOMIC
#define PERCIVAL_LLSC_LOOP(operation) PERCIVAL_RESTART_SEQUENCE(PERCIVAL_MAKE_GLOBAL "2: ", operation)
#define PERCIVAL_PERCPU_ACCESS(ACCESS, ...) ACCESS(PERCIVAL_AT_DISTANCE, __VA_ARGS__)
#elif PERCIVAL_PERCPU_IN_LINE == 2 // fixup
#define PERCIVAL_PERCPU_RESULT "=&r"
#define PERCIVAL_PERCPU_SCRATCH \
    [scratch] "=&r"(scratch.scratch), [global] "=&r"(scratch.global), [distance] "=&r"(scratch.distance)
#define PERCIVAL_PERCPU_ACCESS_SCRATCH [global] "=&r"(scratch.global), [distance] "=&r"(scratch.distance)
#define PERCIVAL_PERCPU_ADDRESS(local) [address] "r"(local), [thread] "r"(::percival::arch::thread_pointer())
#define PERCIVAL_BEGIN_ATOMIC PERCIVAL_FIXUP_NOTE("%[thread]", "%x[address]") PERCIVAL_FIXUP_ADD("%[address]")
#define PERCIVAL_END_ATOMIC PERCIVAL_FIXUP_CLEAR("%[thread]")
#define PERCIVAL_LLSC_LOOP(operation) "2: 4: " operation "b 3b\n"
#define PERCIVAL_PERCPU_ACCESS(ACCESS, ...)         \
    PERCIVAL_FIXUP_NOTE("%[thread]", "%x[address]") \
    ACCESS(PERCIVAL_AT_FIXUP_DISTANCE, __VA_ARGS__) PERCIVAL_FIXUP_CLEAR("%[thread]")
#else // guarded
#define PERCIVAL_PERCPU_RESULT "=&r"
#define PERCIVAL_PERCPU_SCRATCH [scratch] "=&r"(scratch.scratch), [global] "=&r"(scratch.global)
#define PERCIVAL_PERCPU_ACCESS_SCRATCH PERCIVAL_PERCPU_SCRATCH
#define PERCIVAL_PERCPU_ADDRESS(local) [address] "r"(local), [thread] "r"(::percival::arch::thread_pointer())
// The switch that became due stands after the functions of this section, in reach of a CBNZ.
#define PERCIVAL_BEGIN_GUARDED PERCIVAL_COUNT_UP("%[thread]") PERCIVAL_READ_DISTANCE("%[global]")
#define PERCIVAL_END_GUARDED         \
    PERCIVAL_COUNT_DOWN("%[thread]") \
    "9:\n"                           \
    ".subsection 1\n" PERCIVAL_SWITCH_IF_DUE("9b") ".previous\n"
#define PERCIVAL_BEGIN_ATOMIC PERCIVAL_BEGIN_GUARDED "add %[global], %[global], %[address]\n"
#define PERCIVAL_END_ATOMIC PERCIVAL_END_GUARDED
#define PERCIVAL_LLSC_LOOP(operation) "2: 4: " operation "b 3b\n"
#define PERCIVAL_PERCPU_ACCESS(ACCESS, ...) \
    PERCIVAL_BEGIN_GUARDED ACCESS("[%[address], %[global]]", __VA_ARGS__) PERCIVAL_END_GUARDED
#endif

#define PERCIVAL_PERCPU_STATIC_ACCESS PERCIVAL_PERCPU_ACCESS
#define PERCIVAL_PERCPU_STATIC_OPERANDS PERCIVAL_PERCPU_ADDRESS(&Variable)

// Emits an arch::Alternative without the fields of other modes.
#define PERCIVAL_ALTERNATIVE_IN_LINE(operation, result_is_unused) \
    ".pushsection alternatives, \"a?\", %%progbits\n"             \
    ".long 1b - .\n" operation ".long " result_is_unused "\n"     \
    ".long 2b - .\n"                                              \
    ".popsection\n"

// The code of an atomic operation. LSE(at, …) is one instruction, LLSC(at, …) a loop.
#define PERCIVAL_PERCPU_ATOMIC(result_is_unused, LSE, LLSC, ...)                         \
    ".arch_extension lse\n" PERCIVAL_BEGIN_ATOMIC "1: b 2f\n3:\n" PERCIVAL_END_ATOMIC    \
    PERCIVAL_OUT_OF_LINE_CODE(PERCIVAL_LLSC_LOOP(LLSC(PERCIVAL_AT_GLOBAL, __VA_ARGS__))) \
        PERCIVAL_ALTERNATIVE_IN_LINE(LSE(PERCIVAL_AT_GLOBAL, __VA_ARGS__), result_is_unused)
