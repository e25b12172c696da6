// SPDX-License-Identifier: BSD-2-Clause
// TLB invalidation for the kernel's translation regime, EL1&0. Any context.
//
// A flush is always: descriptors changed, DSB ISHST (the stores are visible to table walkers), TLBI, DSB ISH (invalidation is
// complete on every CPU), ISB (this CPU's later instructions use the new translations). Arm ARM D8.16.
#pragma once

#include "arch/barrier.hpp"
#include "mm/geometry.hpp"

namespace percival::arch {

// The operand of a TLBI by address: VA[55:12] in bits 43:0, TTL 0 (no hint), ASID 0. Kernel entries are global, so the ASID
// does not take part, and leaving kernel VA bits in the ASID and TTL fields would be wrong (Arm ARM D8.16.5).
constexpr u64 tlbi_operand(VirtAddr address)
{
    return (address.raw() >> 12) & ((u64{1} << 44) - 1);
}

// Everything this CPU has, nothing of the others.
inline void flush_tlb_this_cpu()
{
    dsb<Shareability::NonShareable, Access::Store>();
    asm volatile("tlbi vmalle1" ::: "memory");
    dsb<Shareability::NonShareable>();
    isb();
}

// Everything, on all CPUs.
inline void flush_tlb_all()
{
    dsb<Shareability::InnerShareable, Access::Store>();
    asm volatile("tlbi vmalle1is" ::: "memory");
    dsb<Shareability::InnerShareable>();
    isb();
}

// The leaf entry of one page, on all CPUs. A local percpu address is the same on every CPU, so one call covers all of them.
inline void flush_tlb_page(VirtAddr address)
{
    dsb<Shareability::InnerShareable, Access::Store>();
    asm volatile("tlbi vaale1is, %0" : : "r"(tlbi_operand(address)) : "memory");
    dsb<Shareability::InnerShareable>();
    isb();
}

} // namespace percival::arch
