// SPDX-License-Identifier: BSD-2-Clause
// Restartable sequences: the this_cpu operations of restart mode (arch/percpu/site.hpp) compute an address
// that is this CPU's, and use it a few instructions later. Whatever interrupts them in between may move the
// thread to another CPU, so a sequence that has not committed is begun again when the exception returns.
//
// Every exception return does, whether or not the thread has moved: it costs one compare of the PC, and the
// way back stays one. There is no other way for a thread to lose its CPU within a sequence: it calls nothing.
//
// INV-restart-1: until its last instruction a sequence writes nothing but scratch registers, so any part of
//                it may be done twice.
// INV-restart-2: the table's entries are in the order of their sequences (linker/kernel.lds.S takes both
//                from the objects in the same order; a self-test looks).
#pragma once

#include "arch/exceptions/registers.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// [begin, begin + length) is what has to start over; length up to and with the commit.
struct Restartable {
    s32 begin_offset; // from this field
    u32 length;
    u64 begin() const { return address_of(this).raw() + static_cast<u64>(s64{begin_offset}); }
};

// Where a thread that was interrupted at `pc` continues.
u64 restarted(u64 pc);

extern "C" const char __start_percpu_op_text[], __stop_percpu_op_text[];

// The last act of an exception handler before it returns.
inline void restart_percpu_operation(Registers& interrupted)
{
    const u64 start = address_of(__start_percpu_op_text).raw();
    const u64 end = address_of(__stop_percpu_op_text).raw();
    if (interrupted.pc - start < end - start) [[unlikely]]
        interrupted.pc = restarted(interrupted.pc);
}

} // namespace percival::arch
