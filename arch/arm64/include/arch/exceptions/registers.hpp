// SPDX-License-Identifier: BSD-2-Clause
// The registers of interrupted code, as the exception vectors save them on the stack, in this order.
//
// INV-registers-1: the size is a multiple of 16, so that the vectors keep SP aligned by subtracting it.
//
// INV-registers-2: in the handler x29 points to `frame_record`, so that a backtrace from within it goes on,
//                  over `pc`, into the interrupted code.
//
// INV-registers-3: `esr` and `far` are what the exception left in ESR_EL1 and FAR_EL1; for an interrupt they
//                  say nothing.
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
    u64 frame_record[2]; // x29, pc again: as if the interrupted code had called the handler

    constexpr VirtAddr frame_pointer() const { return VirtAddr{x[29]}; }
};

static_assert(sizeof(Registers) % 16 == 0);
static_assert(offsetof(Registers, sp) == 31 * 8);
static_assert(offsetof(Registers, pc) == 32 * 8);
static_assert(offsetof(Registers, pstate) == 33 * 8);
static_assert(offsetof(Registers, esr) == 34 * 8);
static_assert(offsetof(Registers, far) == 35 * 8);
static_assert(offsetof(Registers, frame_record) == 36 * 8);

// SPSR_EL1 in words: "EL1h nZCv DAIf PAN" and the like; a capital letter is a bit that is set.
void describe_pstate(Writer& out, u64 pstate);

// All of them on the console, pc and lr with the function they are in. Any context, a panic included.
void print_registers(const Registers& registers);

} // namespace percival::arch
