// SPDX-License-Identifier: BSD-2-Clause
// Cache maintenance by address (Arm ARM D7.5.9). Any context, MMU on or off.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/sysreg.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

struct Ctr {
    PERCIVAL_SYSTEM_REGISTER(Ctr, "ctr_el0")
    using IminLine = Field<3, 0>;   // log2 of the smallest instruction cache line, in words
    using DminLine = Field<19, 16>; // log2 of the smallest data cache line, in words
};

// Returns the size in bytes of the smallest data cache line.
inline u64 data_cache_line()
{
    return u64{4} << Ctr::read().get<Ctr::DminLine>();
}

// Calls `operation(address)` for every data cache line of `range`. The caller adds the DSB.
template <class Operation>
inline void for_each_data_line(VirtRange range, Operation operation)
{
    const u64 line = data_cache_line();
    for (VirtAddr at = range.base.align_down(Bytes{line}); at < range.end(); at += Bytes{line})
        operation(at.raw());
}

// Writes back `range` and discards it from all caches, and waits for that. Afterwards an observer with its
// caches off reads the contents from memory.
inline void clean_and_invalidate_to_memory(VirtRange range)
{
    for_each_data_line(range, [](u64 at) { asm volatile("dc civac, %0" : : "r"(at) : "memory"); });
    dsb<Shareability::FullSystem>();
}

// Makes instructions written to `range` visible to instruction fetch on every CPU. Each other CPU still needs
// an ISB before it executes them (Arm ARM B2.7.4.1).
inline void publish_instructions(VirtRange range)
{
    for_each_data_line(range, [](u64 at) { asm volatile("dc cvau, %0" : : "r"(at) : "memory"); });
    dsb<Shareability::InnerShareable>();
    const u64 line = u64{4} << Ctr::read().get<Ctr::IminLine>();
    for (VirtAddr at = range.base.align_down(Bytes{line}); at < range.end(); at += Bytes{line})
        asm volatile("ic ivau, %0" : : "r"(at.raw()) : "memory");
    dsb<Shareability::InnerShareable>();
    isb();
}

} // namespace percival::arch
