// SPDX-License-Identifier: BSD-2-Clause
// Cache maintenance by address (Arm ARM D7.5.9). Any context.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/cache_lines.hpp"
#include "arch/cpu/cache_maintenance.hpp"
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
    for_each_data_line(range, lines, clean_and_invalidate_line);
    dsb<Shareability::FullSystem>();
}

// Makes instructions written to `written` visible to instruction fetch from `executed` on every CPU. Both are
// addresses of the same memory. Each other CPU still needs an ISB before it executes the instructions (Arm
// ARM B2.7.4.1).
inline void publish_instructions(VirtRange written, VirtAddr executed)
{
    const CacheLines lines = cache_lines();
    for_each_data_line(written, lines, clean_and_invalidate_line);
    dsb<Shareability::InnerShareable>(); // instruction caches are filled with what was written
    const u64 line = u64{1} << lines.instruction;
    const VirtAddr end = executed + written.size;
    for (VirtAddr at = executed.align_down(Bytes{line}); at < end; at += Bytes{line})
        invalidate_instruction_line(at.raw());
    dsb<Shareability::InnerShareable>();
    isb();
}

} // namespace percival::arch
