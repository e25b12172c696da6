// SPDX-License-Identifier: BSD-2-Clause
// TLB invalidation for the kernel's translation regime, EL1&0. Any context.
//
// A flush always has these steps (Arm ARM D8.16): the caller changes descriptors; DSB ISHST makes its stores
// visible to table walkers, and DSB ISH those that it has only seen, too; TLBI; DSB ISH waits until the
// invalidation is complete on every CPU; ISB makes this CPU's later instructions use the new translations.
// Until its own ISB, or until it is told, another CPU may still act on a translation that it made before.
// flush_tlb_this_cpu() does all of this for this CPU.
// tlbi_*() issue only the TLBI; mm/page_table/tlb_batch.hpp batches them and adds the barriers.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/tlb_range.hpp"
#include "mm/address_space/geometry.hpp"

namespace percival::arch {

enum class TlbScope : u8 { ThisCpu, AllCpus };
enum class TlbEntries : u8 {
    Leaves,          // blocks and pages
    LeavesAndTables, // walk caches too, as needed after a table was unlinked
};

// Returns the operand of a TLBI by address: VA[55:12] in bits 43:0, TTL 0 (no hint), ASID 0. Kernel entries
// are global, so the ASID is not compared. Kernel VA bits must not stay in the ASID and TTL fields (Arm ARM
// D8.16.5).
constexpr u64 tlbi_operand(VirtAddr address)
{
    return (address.raw() >> 12) & ((u64{1} << 44) - 1);
}

static_assert(tlbi_operand(VirtAddr{0xffff'8000'1234'5000}) == 0xff8'0001'2345);

// Invalidates the entries that translate `address`, without barriers.
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

// Invalidates everything, without barriers.
template <TlbScope Scope>
inline void tlbi_all()
{
    if constexpr (Scope == TlbScope::AllCpus)
        asm volatile("tlbi vmalle1is" ::: "memory");
    else
        asm volatile("tlbi vmalle1" ::: "memory");
}

// True if some CPU has an erratum by which a broadcast TLBI and its DSB may complete too early
// (arch/cpu/errata.hpp). Each such pair then needs a second one after it: tlbi_again(), DSB ISH. The boot CPU
// sets it once all CPUs are known; until then it is true, as any CPU may have the erratum.
inline constinit bool tlbi_is_repeated = true;
inline bool needs_repeated_tlbi()
{
    return tlbi_is_repeated;
}

// Issues a broadcast TLBI of an address that no kernel mapping has. It is needed only for the accesses that
// it and its DSB wait for.
inline void tlbi_again()
{
    asm volatile("tlbi vale1is, xzr" ::: "memory");
}

// True if every CPU has FEAT_TLBIRANGE. The boot CPU sets it once all CPUs are known.
inline constinit bool range_tlbi_is_used = false;
inline bool has_range_tlbi()
{
    return range_tlbi_is_used;
}

// Returns the number of TLBIs that tlbi_range() issues for `range`.
template <class G>
inline u64 range_invalidations(VirtRange range)
{
    u64 count = 0;
    for_each_range_operand<G::kGranule>(range, range_base_shift(G::kPageShift), [&count](u64) { ++count; });
    return count;
}

// Invalidates the entries that translate addresses in `range`, without barriers. Every CPU has FEAT_TLBIRANGE
// (has_range_tlbi()). The instructions are written as SYS (RVAALE1IS is SYS #0, C8, C2, #7; Arm ARM C5.5),
// because the assembler knows their names only with FEAT_TLBIRANGE switched on.
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

// Flushes all entries of this CPU and none of other CPUs, with the barriers.
inline void flush_tlb_this_cpu()
{
    dsb<Shareability::NonShareable, Access::Store>();
    asm volatile("tlbi vmalle1" ::: "memory");
    dsb<Shareability::NonShareable>();
    isb();
}

} // namespace percival::arch
