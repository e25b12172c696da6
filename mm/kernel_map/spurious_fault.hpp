// SPDX-License-Identifier: BSD-2-Clause
// Translation faults that are over by the time they are looked at: the address was mapped meanwhile, or another
// CPU is in the middle of break-before-make (mm/kernel_map/live_break.hpp). The access is simply made again.
//
// Called by the exception handler, interrupts masked.
//
// INV-spurious_fault-1: a real fault is reported in bounded time. The handler waits for breaks of other CPUs, for
//                       so many and for a limited number of looks each, and never for one of its own CPU, which
//                       could not end.
// INV-spurious_fault-2: a retry that does not help is not repeated for ever: the same fault too often in a row
//                       is a real one.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival::mm {

struct TranslationFault {
    VirtAddr pc;
    VirtAddr address;
    bool is_write;
};

// Whether to make the access again. Adds each retry to spurious_faults.
bool is_spurious(const TranslationFault& fault);

// The retries of each CPU.
extern PerCpu<u64> spurious_faults;

} // namespace percival::mm
