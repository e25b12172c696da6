// SPDX-License-Identifier: BSD-2-Clause
// Cache maintenance by address (Arm ARM D7.5.9). Any context.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/cache_lines.hpp"
#include "arch/cpu/sysreg.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

struct Ctr {
    PERCIVAL_SYSTEM_REGISTER(Ctr, "ctr_el0")
};

// Returns the lines of this CPU.
inline CacheLines own_cache_lines()
{
    return CacheLines::of(Ctr::read().raw);
}
// Returns the smallest lines of all CPUs that have called note_cache_lines(), and of this CPU.
CacheLines cache_lines();
// Makes the lines of this CPU count on all CPUs. Every CPU, before it has anything in its caches that another
// CPU may have to clean or discard.
void note_cache_lines();

// Calls `operation(address)` for every data cache line of `range`. The caller adds the DSB.
template <class Operation>
inline void for_each_data_line(VirtRange range, CacheLines lines, Operation operation)
{
    const u64 line = u64{1} << lines.data;
    for (VirtAddr at = range.base.align_down(Bytes{line}); at < range.end(); at += Bytes{line})
        operation(at.raw());
}

// Writes back `range` and discards it from all caches, and waits for that. Afterwards an observer with its
// caches off reads the contents from memory.
inline void clean_and_invalidate_to_memory(VirtRange range, CacheLines lines = cache_lines())
{
    for_each_data_line(range, lines, [](u64 at) { asm volatile("dc civac, %0" : : "r"(at) : "memory"); });
    dsb<Shareability::FullSystem>();
}

// Makes instructions written to `range` visible to instruction fetch on every CPU. Each other CPU still needs
// an ISB before it executes them (Arm ARM B2.7.4.1). DC CVAU would be enough, but a Cortex-A53 up to r0p2 may
// lose another CPU's store to a line that is cleaned and kept (errata 819472, 824069, 826319, 827319).
inline void publish_instructions(VirtRange range)
{
    const CacheLines lines = cache_lines();
    for_each_data_line(range, lines, [](u64 at) { asm volatile("dc civac, %0" : : "r"(at) : "memory"); });
    dsb<Shareability::InnerShareable>();
    const u64 line = u64{1} << lines.instruction;
    for (VirtAddr at = range.base.align_down(Bytes{line}); at < range.end(); at += Bytes{line})
        asm volatile("ic ivau, %0" : : "r"(at.raw()) : "memory");
    dsb<Shareability::InnerShareable>();
    isb();
}

} // namespace percival::arch
