// SPDX-License-Identifier: BSD-2-Clause
// Loads and stores of translation table descriptors. Table walkers may read a descriptor at any time, so each
// store is 64-bit single-copy atomic. Unless a function says otherwise it orders nothing:
// mm/kernel_map/live_tables.hpp has the barrier. Any context, MMU on.
#pragma once

#include "arch/cpu/zero_page.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival::arch {

inline u64 load_descriptor(const u64* slot)
{
    return std::atomic_ref{*slot}.load(std::memory_order_relaxed);
}

inline void store_descriptor(u64* slot, u64 value)
{
    std::atomic_ref{*slot}.store(value, std::memory_order_relaxed);
}

// Stores `value` if `slot` holds 0, in one atomic step, and returns what the slot held before. The store is a
// release: a CPU that follows the new descriptor sees what this CPU wrote before.
inline u64 link_descriptor(u64* slot, u64 value)
{
    u64 before = 0;
    std::atomic_ref{*slot}.compare_exchange_strong(before, value, std::memory_order_release);
    return before;
}

// Stores `value`, `value + step`, … to `count` neighbouring slots. A long run takes 0.75 instructions for
// each descriptor.
void fill_descriptors(u64* first, u64 count, u64 value, u64 step);

// Stores 0 to `count` neighbouring slots. STP writes two of them: each half is 64-bit single-copy atomic (Arm
// ARM B2.2.1).
inline void clear_descriptors(u64* first, u64 count)
{
    for (; count >= 16; count -= 16, first += 16)
        asm volatile(".irp at, 0, 16, 32, 48, 64, 80, 96, 112\n"
                     "stp xzr, xzr, [%0, #\\at]\n"
                     ".endr"
                     :
                     : "r"(first)
                     : "memory");
#pragma clang loop unroll(disable)
    for (; count != 0; --count, ++first)
        store_descriptor(first, 0);
}

// Zeroes a table of `size` bytes, which is a granule. `size` is a constant wherever speed matters, so that
// the compiler keeps only one of the three cases.
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
