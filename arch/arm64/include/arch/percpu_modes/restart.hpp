// SPDX-License-Identifier: BSD-2-Clause
// Restartable sequences. The this_cpu operations of restart mode (arch/percpu/site.hpp) compute an address of
// this CPU and use it a few instructions later. An exception between the two may move the thread to another
// CPU, so an exception that finds a sequence not yet committed returns to the start of the sequence.
//
// Every exception return does so, whether or not the thread has moved. It costs one compare of the PC, and
// there is only one return path. A thread cannot lose its CPU within a sequence in another way, because the
// sequence calls no function.
//
// In a build of restart mode alone (arch/percpu/in_line.hpp) the sequences with FEAT_LSE stand in line, all
// over the text. They need no table: the word before the PC tells. The table has the loops without FEAT_LSE.
//
// INV-restart-1: before its commit a sequence writes only scratch registers, so any part of it may execute
//                twice.
// INV-restart-2: the entries of the table are in the order of their sequences. linker/kernel.lds.S takes both
//                from the objects in the same order, and a self-test checks it.
// INV-restart-3: in line, a register is added to x18 by the first instruction of a sequence and by no other
//                word of the text, and the next instruction commits, or branches to the loop out of line.
//                scripts/check_sites.py checks the image.
#pragma once

#include "arch/debug/instruction.hpp"
#include "arch/exceptions/registers.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/options/percpu_mode.hpp"
#include "linker/symbols.hpp"

namespace percival::arch {

// A sequence starts over if it is interrupted in [begin, begin + length). `length` includes the commit.
struct Restartable {
    s32 begin_offset; // distance from this field to the sequence
    u32 length;
    u64 begin() const { return address_of(this).raw() + static_cast<u64>(s64{begin_offset}); }
};

// Returns the address at which a thread continues that was interrupted at `pc`: the start of the sequence if
// `pc` is in a sequence that has not committed, else `pc`.
u64 restarted(u64 pc);

extern "C" const char __start_percpu_op_text[], __stop_percpu_op_text[];

// Returns whether `pc` is the second instruction of a sequence in line (INV-restart-3). `pc` may be any
// address, because an interrupt is taken before the fault of a jump to nowhere.
inline bool follows_an_add_to_x18(u64 pc)
{
    const u64 start = address_of(_text).raw();
    const u64 end = address_of(_etext).raw();
    if (pc - sizeof(u32) - start >= end - start || pc % sizeof(u32) != 0) [[unlikely]]
        return false;
    // SAFETY: the text may be read, and the word before `pc` is in it.
    return is_add_to_x18(*reinterpret_cast<const u32*>(pc - sizeof(u32)));
}

// Makes `interrupted` start its restartable sequence over if it is in one. Exception handlers call this as
// the last step before they return. Interrupts masked.
inline void restart_percpu_operation(Registers& interrupted)
{
    if constexpr (!kHasRestartMode)
        return;
    if constexpr (kPercpuInLine) {
        if (follows_an_add_to_x18(interrupted.pc)) [[unlikely]] {
            interrupted.pc -= sizeof(u32);
            return;
        }
    }
    const u64 start = address_of(__start_percpu_op_text).raw();
    const u64 end = address_of(__stop_percpu_op_text).raw();
    if (interrupted.pc - start < end - start) [[unlikely]]
        interrupted.pc = restarted(interrupted.pc);
}

} // namespace percival::arch
