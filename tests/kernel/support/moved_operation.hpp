// SPDX-License-Identifier: BSD-2-Clause
// Stops an operation before any of its instructions, and there moves the thread to another CPU or runs a
// function, as an interrupt at that place would. The function of a hardware breakpoint does so, which does
// not depend on when an interrupt comes.
#pragma once

#include "arch/debug/breakpoint.hpp"
#include "arch/debug/instruction.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/area.hpp"

namespace percival {

// An operation begins on kFrom, and is moved to kTo.
inline constexpr CpuId kFrom = kBootCpu;
inline constexpr CpuId kTo{1};

using Instructions = BoundedVector<const u32*, 64>;

inline bool is_return(u32 instruction)
{
    constexpr u32 kRet = 0xd65f'03c0, kRetaa = 0xd65f'0bff;
    return instruction == kRet || instruction == kRetaa;
}

// Returns the instructions of `operation` in the order of their execution, the out-of-line sequence included.
inline Instructions executed_by(void (*operation)())
{
    Instructions found;
    // SAFETY: a function's address is that of its first instruction, and the text may be read.
    const auto* code = reinterpret_cast<const u32*>(operation);
    while (found.push(code) && !is_return(*code)) {
        const auto offset = arch::branch_offset(*code);
        code += offset ? *offset : 1;
    }
    return found;
}

// Silences the tick of the first CPU for its lifetime, so that only the requested interrupt comes. Another
// interrupt between an LDXR and its STXR would make the sequence try again.
class SilentTick : Immovable {
public:
    SilentTick()
    {
        call_on(kFrom, [] { take_over_alarm([] {}); });
    }
    ~SilentTick()
    {
        call_on(kFrom, [] { take_over_alarm(nullptr); });
    }
};

// Runs `operation` on kFrom, and calls `on_hit()` in an exception handler before it executes `instruction`.
// Returns whether it came to that instruction.
inline bool stop_before(const u32* instruction, void (*operation)(), void (*on_hit)())
{
    EXPECT(migrate_to(kFrom));
    const arch::Breakpoint breakpoint{address_of(instruction), on_hit};
    operation();
    EXPECT(migrate_to(kFrom)); // the breakpoint belongs to this CPU
    return breakpoint.was_hit();
}

struct Move {
    bool hit;
    bool moved;
};

// Runs `operation` on kFrom, and moves the thread to kTo before it executes `instruction`. Afterwards the
// thread is on kFrom again.
inline Move move_before(const u32* instruction, void (*operation)())
{
    EXPECT(migrate_to(kFrom));
    const arch::Breakpoint breakpoint{address_of(instruction), [] {
                                          move_interrupted_thread(kTo);
                                          arch::send_ipi(kFrom, arch::Ipi::Reschedule);
                                      }};
    operation();
    const bool moved = this_cpu_id() == kTo;
    EXPECT(migrate_to(kFrom)); // the breakpoint belongs to this CPU
    return {breakpoint.was_hit(), moved};
}

} // namespace percival
