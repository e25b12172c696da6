// SPDX-License-Identifier: BSD-2-Clause
// What a secondary CPU finds when it enters the kernel with its MMU off: its own root and its own stack.
//
// INV-boot_record-1: a record is complete, and cleaned to the Point of Coherency, before its CPU is started,
//                    because the CPU reads it with its caches off. Nobody touches early_stack through a
//                    cache.
#pragma once

#include "arch/mmu/root_register.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <span>

namespace percival::arch {

struct alignas(64) BootRecord {
    u64 mpidr;         // affinity fields: how a CPU finds its record
    RootRegister root; // the CPU's own root
    u64 tpidr;         // TPIDR_EL1 value: local-to-global distance of this CPU
    u64 stack_top;     // virtual
    u64 unused[4];
    u64 early_stack[128]; // for the few C++ calls with the MMU off; the only part its CPU writes
};

// Where the records are, for the code that runs with the MMU off.
struct BootRecordTable {
    u64 records; // physical
    u64 count;
};

// What a CPU is to start with.
struct SecondaryStart {
    u64 mpidr;
    RootRegister root;
    u64 percpu_distance; // from local percpu addresses to the CPU's global ones
    VirtAddr stack_top;
};

// Writes the record of one CPU. Process context; the CPU is off.
void prepare_secondary(BootRecord& record, const SecondaryStart& start);

// Makes `records`, which lie at the physical address `at`, those in which a CPU that starts looks for itself.
// All of them are prepared. Boot CPU, once, before it starts another.
void publish_boot_records(std::span<const BootRecord> records, PhysAddr at);

// Returns the physical address where a CPU with a record enters the kernel, MMU off.
PhysAddr secondary_entry_address();

} // namespace percival::arch
