// SPDX-License-Identifier: BSD-2-Clause
// A hardware breakpoint on this CPU: runs a function the next time an instruction is about to execute, in an
// exception handler, as an interrupt at exactly that place would (Arm ARM D2.8, breakpoint exceptions). For
// tests of what may be interrupted anywhere.
#pragma once

#include "arch/exceptions/registers.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Armed for its lifetime, fires once. One at a time on a CPU; the code under test must run on the CPU that
// made it.
class Breakpoint : Immovable {
public:
    Breakpoint(VirtAddr instruction, void (*on_hit)());
    ~Breakpoint();

    bool was_hit() const { return hit_; }

private:
    friend bool handle_breakpoint(const Registers& registers);

    void (*on_hit_)();
    bool hit_{false};
};

// For the exception handler: true if the exception was this CPU's breakpoint, which has been served.
bool handle_breakpoint(const Registers& registers);

} // namespace percival::arch
