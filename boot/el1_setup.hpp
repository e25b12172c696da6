// SPDX-License-Identifier: BSD-2-Clause
// Brings the registers of EL1 that have nothing to do with translation into a known state: the kernel relies
// on none of them being left over from firmware, from a loader or from this CPU's last time online. The boot
// CPU, the other CPUs and CPUs that come back all run it. A template over the CPU, as in boot/el2_setup.hpp;
// runs with the MMU off and all exceptions masked.
#pragma once

#include "arch/cpu/floating_point.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/performance_counter.hpp"
#include "arch/cpu/sysreg.hpp"
#include "boot/profiling_setup.hpp"

#include <utility>

namespace percival::boot {

struct Mdscr {
    PERCIVAL_SYSTEM_REGISTER(Mdscr, "mdscr_el1") // single step, and whether breakpoints are on
};
struct Osdlr {
    PERCIVAL_SYSTEM_REGISTER(Osdlr, "osdlr_el1") // OS double lock
};
struct Oslar {
    PERCIVAL_SYSTEM_REGISTER(Oslar, "oslar_el1") // OS lock; while it is locked no breakpoint fires
};
template <unsigned N>
struct BreakpointControl; // DBGBCR<N>_EL1
template <unsigned N>
struct WatchpointControl; // DBGWCR<N>_EL1

#define PERCIVAL_DEBUG_CONTROLS(n)                                      \
    template <>                                                         \
    struct BreakpointControl<n> {                                       \
        PERCIVAL_SYSTEM_REGISTER(BreakpointControl, "dbgbcr" #n "_el1") \
    };                                                                  \
    template <>                                                         \
    struct WatchpointControl<n> {                                       \
        PERCIVAL_SYSTEM_REGISTER(WatchpointControl, "dbgwcr" #n "_el1") \
    };
PERCIVAL_DEBUG_CONTROLS(0)
PERCIVAL_DEBUG_CONTROLS(1)
PERCIVAL_DEBUG_CONTROLS(2)
PERCIVAL_DEBUG_CONTROLS(3)
PERCIVAL_DEBUG_CONTROLS(4)
PERCIVAL_DEBUG_CONTROLS(5)
PERCIVAL_DEBUG_CONTROLS(6)
PERCIVAL_DEBUG_CONTROLS(7)
PERCIVAL_DEBUG_CONTROLS(8)
PERCIVAL_DEBUG_CONTROLS(9)
PERCIVAL_DEBUG_CONTROLS(10)
PERCIVAL_DEBUG_CONTROLS(11)
PERCIVAL_DEBUG_CONTROLS(12)
PERCIVAL_DEBUG_CONTROLS(13)
PERCIVAL_DEBUG_CONTROLS(14)
PERCIVAL_DEBUG_CONTROLS(15)
#undef PERCIVAL_DEBUG_CONTROLS
// ID_AA64DFR0_EL1 counts up to 16 of each kind. More (FEAT_Debugv8p9) stay off while MDSCR_EL1.EMBWE is 0.
inline constexpr unsigned kMaxDebugControls = 16;

struct Pmintenclr {
    PERCIVAL_SYSTEM_REGISTER(Pmintenclr, "pmintenclr_el1")
};
struct Pmuserenr {
    PERCIVAL_SYSTEM_REGISTER(Pmuserenr, "pmuserenr_el0")
};

struct Tcr2 {
    PERCIVAL_SYSTEM_REGISTER(Tcr2, "s3_0_c2_c0_3") // TCR2_EL1: permission indirection, overlays, …
};
struct Sctlr2 {
    PERCIVAL_SYSTEM_REGISTER(Sctlr2, "s3_0_c1_c0_3") // SCTLR2_EL1
};
struct Amair {
    PERCIVAL_SYSTEM_REGISTER(Amair, "amair_el1")
};
struct Cntkctl {
    PERCIVAL_SYSTEM_REGISTER(Cntkctl, "cntkctl_el1") // event stream, and what EL0 may read
};
struct CntvCtl {
    PERCIVAL_SYSTEM_REGISTER(CntvCtl, "cntv_ctl_el0")
};
struct Contextidr {
    PERCIVAL_SYSTEM_REGISTER(Contextidr, "contextidr_el1")
};
struct TpidrEl0 {
    PERCIVAL_SYSTEM_REGISTER(TpidrEl0, "tpidr_el0")
};
struct TpidrroEl0 {
    PERCIVAL_SYSTEM_REGISTER(TpidrroEl0, "tpidrro_el0")
};

// Turns debug exceptions off and disarms every breakpoint and watchpoint, and only then unlocks them.
template <class Cpu>
void reset_debug(Cpu& cpu)
{
    using arch::IdAa64Dfr0;
    cpu.write(Mdscr{});
    const auto dfr0 = cpu.template read<IdAa64Dfr0>();
    const u64 last_breakpoint = dfr0.template get<IdAa64Dfr0::Brps>();
    const u64 last_watchpoint = dfr0.template get<IdAa64Dfr0::Wrps>();
    [&]<unsigned... N>(std::integer_sequence<unsigned, N...>) {
        ((N <= last_breakpoint ? cpu.write(BreakpointControl<N>{}) : void()), ...);
        ((N <= last_watchpoint ? cpu.write(WatchpointControl<N>{}) : void()), ...);
    }(std::make_integer_sequence<unsigned, kMaxDebugControls>{});
    cpu.isb();
    cpu.write(Osdlr{});
    cpu.write(Oslar{});
}

// Stops all counters of the PMU, disables their interrupts and forgets their overflows.
template <class Cpu>
void reset_performance_counters(Cpu& cpu)
{
    using arch::IdAa64Dfr1, arch::Pmcntenclr, arch::Pmcr, arch::Pmovsclr;
    if (!arch::has_performance_counters(cpu.template read<arch::IdAa64Dfr0>()))
        return;
    constexpr u64 kEventsAndCycles = 0xffff'ffff;
    constexpr u64 kInstructions = u64{1} << 32; // FEAT_PMUv3_ICNTR
    const bool has_instruction_counter =
        cpu.template read<IdAa64Dfr1>().template get<IdAa64Dfr1::Pmicntr>() != 0;
    const u64 all = kEventsAndCycles | (has_instruction_counter ? kInstructions : 0);
    cpu.write(Pmcr{}.with<Pmcr::P>(1).with<Pmcr::C>(1).with<Pmcr::Lc>(1));
    cpu.write(Pmcntenclr{all});
    cpu.write(Pmintenclr{all});
    cpu.write(Pmovsclr{all});
    cpu.write(Pmuserenr{});
}

// Puts EL1 into the state described at the top, apart from the registers of translation.
template <class Cpu>
void reset_el1(Cpu& cpu)
{
    using arch::IdAa64Mmfr3;
    const auto mmfr3 = cpu.template read<IdAa64Mmfr3>();
    if (mmfr3.template get<IdAa64Mmfr3::Tcrx>() != 0)
        cpu.write(Tcr2{});
    if (mmfr3.template get<IdAa64Mmfr3::Sctlrx>() != 0)
        cpu.write(Sctlr2{});
    cpu.write(Amair{});
    cpu.write(arch::Cpacr{}); // FP and SIMD instructions trap
    cpu.write(Cntkctl{});
    cpu.write(CntvCtl{});
    cpu.write(Contextidr{});
    cpu.write(TpidrEl0{});
    cpu.write(TpidrroEl0{});
    reset_debug(cpu);
    reset_performance_counters(cpu);
    stop_profiling(cpu);
    cpu.isb();
}

} // namespace percival::boot
