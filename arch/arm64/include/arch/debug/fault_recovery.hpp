// SPDX-License-Identifier: BSD-2-Clause
// Fault recovery: runs code that is expected to fault and returns the fault as a value. For self-tests and
// probes.
#pragma once

#include "arch/exceptions/registers.hpp"
#include "kernel/lib/types.hpp"

#include <optional>

namespace percival::arch {

struct Fault {
    u64 esr;
    VirtAddr far;
    VirtAddr pc;
    bool stack_overflow;
};

// Calls `function(argument)` and returns its fault, or nothing if it returned normally. A synchronous
// exception of this thread during the call, a stack overflow included, abandons the call without running
// destructors. Process context; calls do not nest.
std::optional<Fault> catch_fault(void (*function)(void*), void* argument);

// Makes `registers` continue in catch_fault() if the running thread is inside it, and returns whether it is.
// Only the exception handlers call this.
bool recover_from_fault(Registers& registers, bool stack_overflow);

} // namespace percival::arch
