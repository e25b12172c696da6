// SPDX-License-Identifier: BSD-2-Clause
// A recovery point says where to continue if a call faults: it holds the registers that a call preserves. The
// functions are the assembly part of arch/debug/fault_recovery.hpp, in vectors.S.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

struct RecoveryPoint {
    u64 sp;
    u64 pc;
    u64 saved[11]; // x19 to x29
};

extern "C" {
// Fills `point` and calls `function(argument)`. Returns false after `function` returned, and true after an
// exception handler continued at fault_recovered with `point` in x0.
bool call_catching_faults(RecoveryPoint* point, void (*function)(void*), void* argument);
extern const char fault_recovered[];
}

} // namespace percival::arch
