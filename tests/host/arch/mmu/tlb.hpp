// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/mmu/tlb.hpp: the simulated machine's TLBs, or nothing without one.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/simulation/simulation.hpp"

namespace percival::arch {

template <TlbScope Scope>
inline void tlbi_page(VirtAddr address, TlbEntries entries)
{
    if (simulation != nullptr)
        simulation->tlbi({address, Bytes{1}}, entries, Scope);
}

template <TlbScope Scope>
inline void tlbi_all()
{
    if (simulation != nullptr)
        simulation->tlbi_all(Scope);
}

inline bool needs_repeated_tlbi()
{
    return simulation != nullptr && simulation->needs_repeated_tlbi();
}

inline void tlbi_again()
{
    if (simulation != nullptr)
        simulation->tlbi({VirtAddr{0}, Bytes{1}}, TlbEntries::Leaves, TlbScope::AllCpus);
}

inline bool has_range_tlbi()
{
    return simulation != nullptr && simulation->has_range_tlbi();
}

template <class G>
inline u64 range_invalidations(VirtRange)
{
    return 1;
}

template <class G, TlbScope Scope>
inline void tlbi_range(VirtRange range, TlbEntries entries)
{
    if (simulation != nullptr)
        simulation->tlbi(range, entries, Scope);
}

inline void flush_tlb_this_cpu()
{
    dsb<Shareability::NonShareable, Access::Store>();
    tlbi_all<TlbScope::ThisCpu>();
    dsb<Shareability::NonShareable>();
    isb();
}

} // namespace percival::arch
