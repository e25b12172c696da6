// SPDX-License-Identifier: BSD-2-Clause
// Maintenance of the one cache line that contains an address (Arm ARM D7.5.9). Only arch/cpu/cache.hpp uses
// it. The caller adds the DSB that waits for it. Any context.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// Writes the line back to memory and drops it from every data cache. DC CVAU would do for text, but a
// Cortex-A53 up to r0p2 may lose another CPU's store to a line that is cleaned and kept. Its errata are
// 819472, 824069, 826319, 827319.
inline void clean_and_invalidate_line(u64 address)
{
    asm volatile("dc civac, %0" : : "r"(address) : "memory");
}

// Drops the line from the instruction caches of all CPUs. A cache that is indexed by virtual address drops
// only the line of this alias.
inline void invalidate_instruction_line(u64 address)
{
    asm volatile("ic ivau, %0" : : "r"(address) : "memory");
}

} // namespace percival::arch
