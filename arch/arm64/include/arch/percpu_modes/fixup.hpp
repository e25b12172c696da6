// SPDX-License-Identifier: BSD-2-Clause
// Operations that are fixed up. A this_cpu operation of fixup mode (arch/percpu/site.hpp) notes in its thread
// which registers hold the variable's local address, this CPU's distance, and the sum of both. An exception
// may move the thread to another CPU. So before it returns it writes distance and sum anew into the saved
// registers, and the operation continues where it was (INV-fixup-1), on the copy of the CPU that it is on
// now. An exclusive store fails after an exception return, so an LL/SC operation retries.
//
// INV-fixup-2: an exception handler takes the note away before it runs an operation of its own, which notes
//              other registers in the same halfword; one that ends the run need not. If the interrupted
//              code continues, the note comes back as the last step, with the registers rewritten; if it is
//              abandoned, the note is dropped. So each of nested exceptions keeps the note of the code that
//              it interrupted, and a thread that is switched away or ends has none (INV-preemption-3).
#pragma once

#include "arch/exceptions/registers.hpp"
#include "arch/percpu/register.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/options/percpu_mode.hpp"
#include "kernel/sync/preemption.hpp"

namespace percival::arch {

// The numbers of three different general registers, 5 bits each: local address, distance, sum. 0 is no note.
struct PercpuNote {
    u16 raw;
    constexpr u32 address() const { return raw & 31; }
    constexpr u32 distance() const { return (raw >> 5) & 31; }
    constexpr u32 sum() const { return (raw >> 10) & 31; }
};

// Makes the registers that `note` names those of a CPU with this distance.
constexpr void fix_up(Registers& registers, PercpuNote note, u64 distance)
{
    registers.x[note.distance()] = distance;
    registers.x[note.sum()] = registers.x[note.address()] + distance;
}

// The operation that an exception interrupted, if the thread has noted one. The object is the first thing in
// a handler. Interrupts masked at the constructor and at resume(); the thread may change CPU in between.
class NotedOperation : Immovable {
public:
    NotedOperation()
    {
        if constexpr (!kHasFixupMode)
            return;
        note_.raw = preemption().percpu_note;
        preemption().percpu_note = 0;
        asm volatile("" ::: "memory"); // keeps the handler's operations after the store
    }

    // Makes the operation continue on this CPU. Called as the last step of a handler that returns to the
    // interrupted code.
    void resume(Registers& interrupted) const
    {
        if (!kHasFixupMode || note_.raw == 0) [[likely]]
            return;
        fix_up(interrupted, note_, read_this_cpu_distance());
        asm volatile("" ::: "memory"); // keeps the store after the handler's operations
        preemption().percpu_note = note_.raw;
    }

private:
    PercpuNote note_{0};
};

} // namespace percival::arch
