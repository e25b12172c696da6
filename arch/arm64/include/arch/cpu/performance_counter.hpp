// SPDX-License-Identifier: BSD-2-Clause
// Event counter 0 of the PMU, which counts retired instructions (event 0x08, INST_RETIRED) at EL1 (Arm ARM
// D13). Each CPU has its own. It starts with the CPU's first instructions at EL1 and is never reset, so that
// boot can be measured from the start.
//
// With QEMU's -icount the event counts the instructions of all CPUs.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/id_registers.hpp"

namespace percival::arch {

struct Pmcr {
    PERCIVAL_SYSTEM_REGISTER(Pmcr, "pmcr_el0")
    using E = Field<0>;
    using P = Field<1>;  // resets the event counters
    using C = Field<2>;  // resets the cycle counter
    using Lc = Field<6>; // 64-bit overflow of the cycle counter
    using Lp = Field<7>; // 64-bit overflow of the event counters, FEAT_PMUv3p5
    using N = Field<15, 11>;
};

// Returns whether a CPU with this ID register has an architected PMU.
constexpr bool has_performance_counters(IdAa64Dfr0 dfr0)
{
    const u64 version = dfr0.get<IdAa64Dfr0::PmuVer>();
    return version != 0 && version != 0xf;
}

// Returns whether this CPU has an architected PMU.
inline bool has_performance_counters()
{
    return has_performance_counters(IdAa64Dfr0::read());
}

struct Pmceid0 {
    PERCIVAL_SYSTEM_REGISTER(Pmceid0, "pmceid0_el0")
    using InstructionsRetired = Field<8>;
};

// Returns whether this CPU has a PMU that supports the event. QEMU's supports it only with -icount.
inline bool counts_instructions()
{
    return has_performance_counters() && Pmceid0::read().get<Pmceid0::InstructionsRetired>() != 0;
}

// Starts this CPU's counter, or does nothing if !counts_instructions(). The PMU is in the state in which
// boot/el1_setup.hpp leaves it.
inline void start_performance_counter()
{
    if (!counts_instructions())
        return;
    constexpr u64 kInstructionsRetired = 0x08;
    asm volatile("msr pmevtyper0_el0, %0" : : "r"(kInstructionsRetired));
    asm volatile("msr pmevcntr0_el0, xzr");
    asm volatile("msr pmcntenset_el0, %0" : : "r"(u64{1}));
    Pmcr{}.with<Pmcr::Lc>(1).with<Pmcr::Lp>(1).with<Pmcr::E>(1).write();
    isb();
}

// Returns the instructions retired on this CPU since start_performance_counter(). Means something only where
// counts_instructions(). At least the low 32 bits are valid (all of them with FEAT_PMUv3p5). The ISBs keep
// the measured code on its side of the read.
inline u64 instructions_retired()
{
    u64 count;
    asm volatile("isb; mrs %0, pmevcntr0_el0; isb" : "=r"(count) : : "memory");
    return count;
}

} // namespace percival::arch
