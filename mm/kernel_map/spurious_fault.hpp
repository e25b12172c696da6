// SPDX-License-Identifier: BSD-2-Clause
// Translation faults that are over when the handler looks at them: the address was mapped meanwhile, or
// another CPU is in the middle of break-before-make (mm/kernel_map/live_break.hpp). The handler lets the
// access be made again.
//
// Called by the exception handler, with interrupts masked.
//
// Invariants:
// * A real fault is reported in bounded time. The handler waits for a bounded number of breaks of other CPUs,
//   and polls each a bounded number of times. It never waits for a break of its own CPU: that could not end.
// * A retry that does not help is not repeated for ever: the same fault too often in a row is a real fault.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival::mm {

struct TranslationFault {
    VirtAddr pc;
    VirtAddr address;
    bool is_write;
};

// Returns whether the access should be made again. Adds each retry to spurious_faults.
bool is_spurious(const TranslationFault& fault);

// The retries of each CPU.
extern PerCpu<u64> spurious_faults;

} // namespace percival::mm
