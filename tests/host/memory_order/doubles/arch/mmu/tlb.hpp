// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of arch/mmu/tlb.hpp: scenarios say what happens when a page is invalidated.
#pragma once

#include "arch/simulation/simulation.hpp"

namespace percival::arch {

inline void (*on_tlbi_page)(VirtAddr) = nullptr;

template <TlbScope Scope>
inline void tlbi_page(VirtAddr address, TlbEntries)
{
    on_tlbi_page(address);
}

template <TlbScope Scope>
inline void tlbi_all()
{
}

inline bool needs_repeated_tlbi()
{
    return false;
}

inline void tlbi_again() {}

inline bool has_range_tlbi()
{
    return false;
}

template <class G>
inline u64 range_invalidations(VirtRange)
{
    return 1;
}

template <class G, TlbScope Scope>
inline void tlbi_range(VirtRange, TlbEntries)
{
}

} // namespace percival::arch
