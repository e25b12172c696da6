// SPDX-License-Identifier: BSD-2-Clause
// Boot records: a secondary CPU enters the kernel with its MMU off and finds its own root and stack in its
// record.
//
// Invariants: a record is complete, and cleaned to the Point of Coherency, before its CPU is started, because
// the CPU reads it with its caches off. No CPU touches early_stack through a cache.
#pragma once

#include "arch/mmu/root_register.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <span>

namespace percival::arch {

struct alignas(64) BootRecord {
    u64 mpidr;         // affinity fields, by which a CPU finds its record
    RootRegister root; // the CPU's own root
    u64 tpidr;         // value of TPIDR_EL1, at EL2 of TPIDR_EL2: local-to-global distance of this CPU
    u64 stack_top;     // virtual
    u64 unused[4];
    u64 early_stack[128]; // for the few C++ calls with the MMU off; the only part that its CPU writes
};

// Tells the code that runs with the MMU off where the records are.
struct BootRecordTable {
    u64 records; // physical
    u64 count;
};

// The state that a secondary CPU starts with.
struct SecondaryStart {
    u64 mpidr;
    RootRegister root;
    u64 percpu_distance; // from local percpu addresses to the CPU's global ones
    VirtAddr stack_top;
};

// Fills the record of one CPU, which is off. Process context.
void prepare_secondary(BootRecord& record, const SecondaryStart& start);

// Makes `records` the table in which a starting CPU looks for its own record, and cleans them to memory. They
// lie at the physical address `at`, and prepare_secondary() has filled all of them. Boot CPU, once, before it
// starts another CPU.
void publish_boot_records(std::span<const BootRecord> records, PhysAddr at);

// Returns the physical address at which a CPU with a record enters the kernel, MMU off.
PhysAddr secondary_entry_address();

} // namespace percival::arch
