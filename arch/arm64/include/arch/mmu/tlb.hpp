// SPDX-License-Identifier: BSD-2-Clause
// TLB invalidation for the kernel's translation regime, EL1&0. Any context.
//
// A flush is always: descriptors changed, DSB ISHST (the stores are visible to table walkers), TLBI, DSB ISH
// (invalidation is complete on every CPU), ISB (this CPU's later instructions use the new translations). Arm
// ARM D8.16. mm/page_table/tlb_batch.hpp puts the parts tlbi_*() together; the flush_*() here are whole.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/tlb_range.hpp"
#include "mm/address_space/geometry.hpp"

namespace percival::arch {

enum class TlbScope : u8 { ThisCpu, AllCpus };
enum class TlbEntries : u8 {
    Leaves,          // blocks and pages
    LeavesAndTables, // the walk caches too: needed where a table was unlinked
};

// The operand of a TLBI by address: VA[55:12] in bits 43:0, TTL 0 (no hint), ASID 0. Kernel entries are
// global, so the ASID does not take part, and leaving kernel VA bits in the ASID and TTL fields would be
// wrong (Arm ARM D8.16.5).
constexpr u64 tlbi_operand(VirtAddr address)
{
    return (address.raw() >> 12) & ((u64{1} << 44) - 1);
}

static_assert(tlbi_operand(VirtAddr{0xffff'8000'1234'5000}) == 0xff8'0001'2345);

// The entries that translate `address`, no barriers.
template <TlbScope Scope>
inline void tlbi_page(VirtAddr address, TlbEntries entries)
{
    const u64 operand = tlbi_operand(address);
    if constexpr (Scope == TlbScope::AllCpus) {
        if (entries == TlbEntries::Leaves)
            asm volatile("tlbi vaale1is, %0" : : "r"(operand) : "memory");
        else
            asm volatile("tlbi vaae1is, %0" : : "r"(operand) : "memory");
    } else {
        if (entries == TlbEntries::Leaves)
            asm volatile("tlbi vaale1, %0" : : "r"(operand) : "memory");
        else
            asm volatile("tlbi vaae1, %0" : : "r"(operand) : "memory");
    }
}

// Everything, no barriers.
template <TlbScope Scope>
inline void tlbi_all()
{
    if constexpr (Scope == TlbScope::AllCpus)
        asm volatile("tlbi vmalle1is" ::: "memory");
    else
        asm volatile("tlbi vmalle1" ::: "memory");
}

// Whether a CPU has an erratum that lets a broadcast TLBI and its DSB be complete too early
// (arch/cpu/errata.hpp). After each such pair a second one is needed then: tlbi_again(), DSB ISH. Set once,
// when all CPUs are known; until then it is not known that none has it.
inline constinit bool tlbi_is_repeated = true;
inline bool needs_repeated_tlbi()
{
    return tlbi_is_repeated;
}

// A broadcast TLBI of an address that no kernel mapping has: what it waits for counts, not what it removes.
inline void tlbi_again()
{
    asm volatile("tlbi vale1is, xzr" ::: "memory");
}

// Whether every CPU has FEAT_TLBIRANGE. Set once, when all CPUs are known.
inline constinit bool range_tlbi_is_used = false;
inline bool has_range_tlbi()
{
    return range_tlbi_is_used;
}

// The number of TLBIs that tlbi_range() issues.
template <class G>
inline u64 range_invalidations(VirtRange range)
{
    u64 count = 0;
    for_each_range_operand<G::kGranule>(range, range_base_shift(G::kPageShift), [&count](u64) { ++count; });
    return count;
}

// The page entries that translate addresses in `range`, no barriers. By encoding: RVAALE1IS is SYS #0, C8,
// C2, #7 and so on (Arm ARM C5.5), which assemblers know only with FEAT_TLBIRANGE switched on.
template <class G, TlbScope Scope>
inline void tlbi_range(VirtRange range, TlbEntries entries)
{
    for_each_range_operand<G::kGranule>(range, range_base_shift(G::kPageShift), [entries](u64 operand) {
        if constexpr (Scope == TlbScope::AllCpus) {
            if (entries == TlbEntries::Leaves)
                asm volatile("sys #0, c8, c2, #7, %0" : : "r"(operand) : "memory"); // RVAALE1IS
            else
                asm volatile("sys #0, c8, c2, #3, %0" : : "r"(operand) : "memory"); // RVAAE1IS
        } else {
            if (entries == TlbEntries::Leaves)
                asm volatile("sys #0, c8, c6, #7, %0" : : "r"(operand) : "memory"); // RVAALE1
            else
                asm volatile("sys #0, c8, c6, #3, %0" : : "r"(operand) : "memory"); // RVAAE1
        }
    });
}

// Everything this CPU has, nothing of the others.
inline void flush_tlb_this_cpu()
{
    dsb<Shareability::NonShareable, Access::Store>();
    asm volatile("tlbi vmalle1" ::: "memory");
    dsb<Shareability::NonShareable>();
    isb();
}

} // namespace percival::arch
