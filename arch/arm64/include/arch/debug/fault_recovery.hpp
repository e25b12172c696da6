// SPDX-License-Identifier: BSD-2-Clause
// Running code that is expected to fault, and getting the fault back as a value. For self-tests and probes.
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

// Calls `function(argument)`. A synchronous exception of this thread in it, a stack overflow included,
// abandons it without running destructors and is returned; nothing if it returned normally. Not nestable, not
// from interrupt handlers.
std::optional<Fault> catch_fault(void (*function)(void*), void* argument);

// For the exception handler: if the running thread is inside catch_fault(), makes `registers` continue there
// and says true.
bool recover_from_fault(Registers& registers, bool stack_overflow);

} // namespace percival::arch
