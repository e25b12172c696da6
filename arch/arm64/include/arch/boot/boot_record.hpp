// SPDX-License-Identifier: BSD-2-Clause
// What a secondary CPU finds when it enters the kernel with its MMU off: its own root and its own stack.
//
// INV-boot_record-1: a record is complete, and cleaned to the Point of Coherency, before its CPU is started,
//                    because the CPU reads it with its caches off. Nobody touches early_stack through a
//                    cache.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

struct alignas(64) BootRecord {
    u64 mpidr;     // affinity fields: how a CPU finds its record
    u64 root;      // TTBR1_EL1 value: the CPU's own root
    u64 tpidr;     // TPIDR_EL1 value: local-to-global distance of this CPU
    u64 stack_top; // virtual
    u64 unused[4];
    u64 early_stack[128]; // for the few C++ calls with the MMU off; the only part its CPU writes
};

// Where the records are, for the code that runs with the MMU off.
struct BootRecordTable {
    u64 records; // physical
    u64 count;
};

} // namespace percival::arch
