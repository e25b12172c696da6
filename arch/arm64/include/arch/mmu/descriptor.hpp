// SPDX-License-Identifier: BSD-2-Clause
// Storing translation table descriptors, which table walkers read at any time: each store is 64-bit
// single-copy atomic. Orders nothing: mm/kernel_map/live_tables.hpp has the barrier. MMU on.
#pragma once

#include "arch/cpu/zero_page.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

inline u64 load_descriptor(const u64* slot)
{
    return __atomic_load_n(slot, __ATOMIC_RELAXED);
}

inline void store_descriptor(u64* slot, u64 value)
{
    __atomic_store_n(slot, value, __ATOMIC_RELAXED);
}

// Stores `value` if `slot` holds 0, in one atomic step. What it held before. Release: what this CPU wrote
// before is there for whoever follows the new descriptor.
inline u64 link_descriptor(u64* slot, u64 value)
{
    u64 before = 0;
    __atomic_compare_exchange_n(slot, &before, value, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    return before;
}

// Stores `value`, `value + step`, … to `count` neighbouring slots; 0.75 instructions a descriptor in the long
// run.
void fill_descriptors(u64* first, u64 count, u64 value, u64 step);

// `size` is a granule, and a constant where it matters: one of the three remains.
inline void zero_table(u64* table, Bytes size)
{
    switch (size.count()) {
    case 4096:
        return zero_page<4096>(table);
    case 16384:
        return zero_page<16384>(table);
    default:
        return zero_page<65536>(table);
    }
}

} // namespace percival::arch
