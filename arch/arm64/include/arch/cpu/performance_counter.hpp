// SPDX-License-Identifier: BSD-2-Clause
// The counters of the PMU (Arm ARM D13). Each CPU has its own.
//
// Event counter 0 counts retired instructions of the kernel, at EL1 or EL2. It starts with the CPU's first
// instructions at the kernel's level and is never reset, so that boot can be measured from the start. With
// QEMU's -icount the event counts the instructions of all CPUs. The other counters stand still until a
// RunningCounters runs them.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/id_registers.hpp"
#include "kernel/lib/types.hpp"

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

// Common events, by number (Arm ARM D13.12). Cycles have a counter of their own.
enum class PmuEvent : u8 {
    DataTlbRefill = 0x05,       // L1D_TLB_REFILL
    InstructionsRetired = 0x08, // INST_RETIRED
    DataTlbWalk = 0x34,         // DTLB_WALK
};

// PMEVTYPER<n>_EL0.NSH and PMCCFILTR_EL0.NSH: counts at EL2 too. A kernel at EL1 has nothing there to count.
inline constexpr u64 kCountsAtEl2 = u64{1} << 27;

// Returns the type of a counter that counts this event at EL0, EL1 and EL2.
constexpr u64 counter_type(PmuEvent event)
{
    return kCountsAtEl2 | static_cast<u64>(event);
}

// Which common events a PMU counts: bits 31:0 of the first register are events 0x00 to 0x1f, those of the
// second one 0x20 to 0x3f.
struct Pmceid0 {
    PERCIVAL_SYSTEM_REGISTER(Pmceid0, "pmceid0_el0")
};
struct Pmceid1 {
    PERCIVAL_SYSTEM_REGISTER(Pmceid1, "pmceid1_el0")
};

constexpr bool counts(PmuEvent event, Pmceid0 low, Pmceid1 high)
{
    const auto number = static_cast<unsigned>(event);
    return ((number < 32 ? low.raw : high.raw) >> (number % 32) & 1) != 0;
}

// Returns whether this CPU has a PMU that counts the event. QEMU's counts instructions only with -icount.
inline bool counts(PmuEvent event)
{
    return has_performance_counters() && counts(event, Pmceid0::read(), Pmceid1::read());
}
inline bool counts_instructions()
{
    return counts(PmuEvent::InstructionsRetired);
}

// Starts this CPU's counter, or does nothing if !counts_instructions(). The PMU is in the state in which
// boot/el1_setup.hpp leaves it.
inline void start_performance_counter()
{
    if (!counts_instructions())
        return;
    asm volatile("msr pmevtyper0_el0, %0" : : "r"(counter_type(PmuEvent::InstructionsRetired)));
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

struct Pmccntr {
    PERCIVAL_SYSTEM_REGISTER(Pmccntr, "pmccntr_el0")
};
struct Pmccfiltr {
    PERCIVAL_SYSTEM_REGISTER(Pmccfiltr, "pmccfiltr_el0")
};
struct Pmcntenset {
    PERCIVAL_SYSTEM_REGISTER(Pmcntenset, "pmcntenset_el0")
};
struct Pmcntenclr {
    PERCIVAL_SYSTEM_REGISTER(Pmcntenclr, "pmcntenclr_el0")
};
struct Pmovsclr {
    PERCIVAL_SYSTEM_REGISTER(Pmovsclr, "pmovsclr_el0")
};

// What the counters of a CPU hold. Only differences mean something, and those of the events modulo 2^32.
struct CounterValues {
    u64 cycles;
    u32 instructions;
    u32 tlb_refills;
    u32 tlb_walks;
};

// Counts cycles, refills of the first data TLB and walks of this CPU for the lifetime of the object. What the
// PMU does not count stays at 0. The caller stays on its CPU meanwhile, and no other such object runs there.
class RunningCounters : Immovable {
public:
    RunningCounters() : before_{Pmcntenset::read().raw}
    {
        asm volatile("msr pmevtyper1_el0, %0" : : "r"(counter_type(PmuEvent::DataTlbRefill)));
        asm volatile("msr pmevtyper2_el0, %0" : : "r"(counter_type(PmuEvent::DataTlbWalk)));
        Pmccfiltr{kCountsAtEl2}.write(); // and at EL1 and EL0
        Pmcntenset{kAll}.write();
        Pmcr{Pmcr::read().raw}.with<Pmcr::Lc>(1).with<Pmcr::E>(1).write();
        isb();
    }
    ~RunningCounters()
    {
        Pmcntenclr{kAll & ~before_}.write();
        forget_overflows();
    }

    // Returns whether this CPU has these counters.
    static bool are_here() { return has_performance_counters() && Pmcr::read().get<Pmcr::N>() >= 3; }

    // The ISBs keep the measured instructions on their side of the reads. For their memory accesses the
    // caller adds a DSB.
    static CounterValues read()
    {
        CounterValues values;
        u64 instructions;
        u64 refills;
        u64 walks;
        asm volatile("isb\n\t"
                     "mrs %1, pmevcntr0_el0\n\t"
                     "mrs %2, pmevcntr1_el0\n\t"
                     "mrs %3, pmevcntr2_el0\n\t"
                     "mrs %0, pmccntr_el0\n\t"
                     "isb"
                     : "=&r"(values.cycles), "=&r"(instructions), "=&r"(refills), "=&r"(walks)
                     :
                     : "memory");
        values.instructions = static_cast<u32>(instructions);
        values.tlb_refills = static_cast<u32>(refills);
        values.tlb_walks = static_cast<u32>(walks);
        return values;
    }

    // Says whether a counter went over its end since forget_overflows().
    static bool overflowed() { return (Pmovsclr::read().raw & kAll) != 0; }
    static void forget_overflows()
    {
        Pmovsclr{kAll}.write();
        isb();
    }

private:
    static constexpr u64 kAll = u64{1} << 31 | 0b111; // the cycle counter, and event counters 0 to 2

    u64 before_;
};

} // namespace percival::arch
