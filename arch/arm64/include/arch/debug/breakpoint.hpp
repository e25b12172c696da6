// SPDX-License-Identifier: BSD-2-Clause
// A hardware breakpoint on this CPU (Arm ARM D2.8, breakpoint exceptions). The next time a given instruction
// is about to execute, the exception handler runs a function, as an interrupt at exactly that place would.
// For tests of code that may be interrupted anywhere. CPU setup has disarmed and unlocked the breakpoints
// (boot/el1_setup.hpp).
#pragma once

#include "arch/exceptions/registers.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Stays armed for its lifetime and fires once. A CPU has one at a time. The code under test must run on the
// CPU that made the breakpoint, and the same CPU destroys it.
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

// Runs the function of this CPU's breakpoint if the exception came from it, and returns whether it did. Only
// the exception handler calls this.
bool handle_breakpoint(const Registers& registers);

} // namespace percival::arch
