// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/mmu/descriptor.hpp: the simulated machine's memory, or plain atomics without
// one.
#pragma once

#include "arch/simulation/simulation.hpp"

#include <atomic>
#include <cstring>

namespace percival::arch {

inline u64 load_descriptor(const u64* slot)
{
    if (simulation != nullptr)
        simulation->load(slot);
    return std::atomic_ref{*slot}.load(std::memory_order_relaxed);
}

inline void store_descriptor(u64* slot, u64 value)
{
    if (simulation != nullptr)
        simulation->store(slot, value);
    else
        std::atomic_ref{*slot}.store(value, std::memory_order_relaxed);
}

inline u64 link_descriptor(u64* slot, u64 value)
{
    if (simulation != nullptr) {
        simulation->dmb(Access::Any); // the store is a release
        return simulation->link(slot, value);
    }
    u64 before = 0;
    std::atomic_ref{*slot}.compare_exchange_strong(before, value, std::memory_order_release);
    return before;
}

inline void fill_descriptors(u64* first, u64 count, u64 value, u64 step)
{
    for (u64 n = 0; n < count; ++n)
        store_descriptor(first + n, value + n * step);
}

inline void clear_descriptors(u64* first, u64 count)
{
    for (u64 n = 0; n < count; ++n)
        store_descriptor(first + n, 0);
}

inline void zero_table(u64* table, Bytes size)
{
    if (simulation != nullptr)
        simulation->zero(table, size);
    else
        std::memset(table, 0, size.count());
}

} // namespace percival::arch
