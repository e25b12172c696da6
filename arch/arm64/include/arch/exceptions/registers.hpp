// SPDX-License-Identifier: BSD-2-Clause
// The registers of interrupted code, in the order in which the exception vectors save them on the stack.
//
// Invariants: the size is a multiple of 16, so that the vectors keep SP aligned when they subtract it. In the
// handler x29 points to `frame_record`, so that a backtrace from the handler continues through `pc` into the
// interrupted code. `esr` and `far` are the values that the exception left in ESR_EL1 and FAR_EL1; for an
// interrupt they mean nothing.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <cstddef>

namespace percival::arch {

struct Registers {
    u64 x[31];
    u64 sp;
    u64 pc;     // ELR_EL1
    u64 pstate; // SPSR_EL1
    u64 esr;
    u64 far;
    u64 frame_record[2]; // x29 and pc again, as if the interrupted code had called the handler

    constexpr VirtAddr frame_pointer() const { return VirtAddr{x[29]}; }
};

static_assert(sizeof(Registers) % 16 == 0);
static_assert(offsetof(Registers, sp) == 31 * 8);
static_assert(offsetof(Registers, pc) == 32 * 8);
static_assert(offsetof(Registers, pstate) == 33 * 8);
static_assert(offsetof(Registers, esr) == 34 * 8);
static_assert(offsetof(Registers, far) == 35 * 8);
static_assert(offsetof(Registers, frame_record) == 36 * 8);

// Writes SPSR_EL1 in words, for example "EL1h nZCv DAIf PAN". A capital letter stands for a bit that is set.
void describe_pstate(Writer& out, u64 pstate);

// Prints all registers on the console, and the functions that pc and lr are in. Any context, a panic
// included.
void print_registers(const Registers& registers);

} // namespace percival::arch
