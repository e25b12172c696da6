// SPDX-License-Identifier: BSD-2-Clause
// Brings EL2 into the state that the kernel needs, whatever the loader left there: a kernel at EL1, or one
// that stays at EL2 with E2H = TGE = 1. The architecture says of nearly all registers of EL2 that their reset
// value is UNKNOWN, so each one that affects the kernel is written.
//
// The functions are templates over the CPU, so that the tests on the host run them on a model of the
// registers. A CPU has read<Register>(), write(Register), isb(), dsb(), which waits for its own accesses, and
// finish_buffered_writes(), which waits for the writes of a buffer that was disabled
// (boot/profiling_setup.hpp). They run with the MMU off.
#pragma once

#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/performance_counter.hpp"
#include "arch/cpu/sysreg.hpp"
#include "boot/level_choice.hpp"
#include "boot/profiling_setup.hpp"

namespace percival::boot {

using arch::Field;

struct Hcr {
    PERCIVAL_SYSTEM_REGISTER(Hcr, "hcr_el2")
    using Tge = Field<27>; // what would go to EL1 goes to EL2; with E2H there is no EL1
    using Rw = Field<31>;  // EL1 is AArch64
    using E2h = Field<34>; // FEAT_VHE: some EL2 registers have the layout of their EL1 counterparts
    using Apk = Field<40>; // FEAT_PAuth: key registers are not trapped
    using Api = Field<41>; // FEAT_PAuth: instructions are not trapped
};

struct Hcrx {
    PERCIVAL_SYSTEM_REGISTER(Hcrx, "s3_4_c1_c2_2")
    using Tcr2En = Field<14>;   // TCR2_EL1 is not trapped, and has an effect
    using Sctlr2En = Field<15>; // the same for SCTLR2_EL1
};

struct Cnthctl {
    PERCIVAL_SYSTEM_REGISTER(Cnthctl, "cnthctl_el2")
    using El1PhysicalCounter = Field<0>; // these two: E2H = 0
    using El1PhysicalTimer = Field<1>;
    using El1PhysicalCounterVhe = Field<10>; // these two: E2H = 1
    using El1PhysicalTimerVhe = Field<11>;
};

struct Cptr {
    PERCIVAL_SYSTEM_REGISTER(Cptr, "cptr_el2")
    static constexpr u64 kRes1 = 0x33ff; // E2H = 0. SVE and SME are trapped, FP (bit 10) is not
    using FpEnVhe = Field<21, 20>;       // E2H = 1
};

struct IccSre {
    PERCIVAL_SYSTEM_REGISTER(IccSre, "s3_4_c12_c9_5") // ICC_SRE_EL2
    using Sre = Field<0>;                             // the System registers are used, not the mapped ones
    static constexpr u64 kAll = 0xf;                  // SRE, no FIQ bypass, no IRQ bypass, Enable for EL1
};

struct FarEl1 {
    PERCIVAL_SYSTEM_REGISTER(FarEl1, "far_el1")
};
struct FarEl2 {
    PERCIVAL_SYSTEM_REGISTER(FarEl2, "far_el2")
};
// SCTLR_EL1, as EL2 reaches it with E2H = 0 and with E2H = 1.
struct SctlrEl1 {
    PERCIVAL_SYSTEM_REGISTER(SctlrEl1, "sctlr_el1")
};
struct SctlrEl12 {
    PERCIVAL_SYSTEM_REGISTER(SctlrEl12, "s3_5_c1_c0_0")
};
// The timers that the kernel does not use, of EL1 and of EL2. CNTP_CTL_EL0 as EL2 reaches it with E2H = 0,
// and with E2H = 1; CNTV_CTL_EL0 with E2H = 1.
struct CntpCtl {
    PERCIVAL_SYSTEM_REGISTER(CntpCtl, "cntp_ctl_el0")
};
struct CntpCtlEl02 {
    PERCIVAL_SYSTEM_REGISTER(CntpCtlEl02, "s3_5_c14_c2_1")
};
struct CntvCtlEl02 {
    PERCIVAL_SYSTEM_REGISTER(CntvCtlEl02, "s3_5_c14_c3_1")
};
struct CnthpCtl {
    PERCIVAL_SYSTEM_REGISTER(CnthpCtl, "cnthp_ctl_el2")
};
struct CnthvCtl {
    PERCIVAL_SYSTEM_REGISTER(CnthvCtl, "s3_4_c14_c3_1") // FEAT_VHE
};
struct Cntvoff {
    PERCIVAL_SYSTEM_REGISTER(Cntvoff, "cntvoff_el2")
};
struct Hstr {
    PERCIVAL_SYSTEM_REGISTER(Hstr, "hstr_el2")
};
struct Vttbr {
    PERCIVAL_SYSTEM_REGISTER(Vttbr, "vttbr_el2")
};
struct Vpidr {
    PERCIVAL_SYSTEM_REGISTER(Vpidr, "vpidr_el2")
};
struct Vmpidr {
    PERCIVAL_SYSTEM_REGISTER(Vmpidr, "vmpidr_el2")
};
struct Mdcr {
    PERCIVAL_SYSTEM_REGISTER(Mdcr, "mdcr_el2")
    using Hpmn = Field<4, 0>; // number of event counters that EL1 has
};
struct IchHcr {
    PERCIVAL_SYSTEM_REGISTER(IchHcr, "s3_4_c12_c11_0")
};

// The fine-grained traps: reads, writes and instructions of EL1, and its debug registers.
struct Hfgrtr {
    PERCIVAL_SYSTEM_REGISTER(Hfgrtr, "s3_4_c1_c1_4")
};
struct Hfgwtr {
    PERCIVAL_SYSTEM_REGISTER(Hfgwtr, "s3_4_c1_c1_5")
};
struct Hfgitr {
    PERCIVAL_SYSTEM_REGISTER(Hfgitr, "s3_4_c1_c1_6")
};
struct Hdfgrtr {
    PERCIVAL_SYSTEM_REGISTER(Hdfgrtr, "s3_4_c3_c1_4")
};
struct Hdfgwtr {
    PERCIVAL_SYSTEM_REGISTER(Hdfgwtr, "s3_4_c3_c1_5")
};
struct Hafgrtr {
    PERCIVAL_SYSTEM_REGISTER(Hafgrtr, "s3_4_c3_c1_6")
};
struct Hfgrtr2 {
    PERCIVAL_SYSTEM_REGISTER(Hfgrtr2, "s3_4_c3_c1_2")
};
struct Hfgwtr2 {
    PERCIVAL_SYSTEM_REGISTER(Hfgwtr2, "s3_4_c3_c1_3")
};
struct Hfgitr2 {
    PERCIVAL_SYSTEM_REGISTER(Hfgitr2, "s3_4_c3_c1_7")
};
struct Hdfgrtr2 {
    PERCIVAL_SYSTEM_REGISTER(Hdfgrtr2, "s3_4_c3_c1_0")
};
struct Hdfgwtr2 {
    PERCIVAL_SYSTEM_REGISTER(Hdfgwtr2, "s3_4_c3_c1_1")
};

// Writes HCR_EL2. On AmpereOne a write can corrupt the translations of loads and stores that are under way,
// so the older ones are completed first, and the younger ones wait (erratum AC04_CPU_23).
template <class Cpu>
void write_hcr(Cpu& cpu, Hcr hcr)
{
    cpu.dsb();
    cpu.write(hcr);
    cpu.isb();
}

// EL1 is AArch64, and pointer authentication is not trapped.
inline constexpr Hcr kHcrOfAnyKernel = Hcr{}.with<Hcr::Rw>(1).with<Hcr::Apk>(1).with<Hcr::Api>(1);

// Writes HCR_EL2 for a kernel that stays at EL2, and returns the value.
template <class Cpu>
Hcr enter_host_mode(Cpu& cpu)
{
    const Hcr hcr = kHcrOfAnyKernel.with<Hcr::E2h>(1).with<Hcr::Tge>(1);
    write_hcr(cpu, hcr);
    return hcr;
}

// Writes HCR_EL2 for a kernel at EL1 and returns the value, with E2H = 0 unless the CPU works only with
// E2H = 1. Without FEAT_E2H0 the bit is RES1, so reading it back proves nothing: it may hold what was written
// and act as 1 regardless. Such a CPU announces itself in ID_AA64MMFR4_EL1.E2H0. A hypervisor may hide that,
// so FAR_EL1 is tried too: with E2H = 1, EL2 finds FAR_EL2 under that name.
template <class Cpu>
Hcr choose_host_mode(Cpu& cpu)
{
    const Hcr without = kHcrOfAnyKernel;
    const Hcr with = without.with<Hcr::E2h>(1);
    const auto mmfr4 = cpu.template read<arch::IdAa64Mmfr4>();
    if (!mmfr4.can_clear_e2h()) {
        write_hcr(cpu, with);
        return with;
    }
    write_hcr(cpu, without);
    cpu.write(FarEl1{1});
    cpu.isb();
    cpu.write(FarEl2{2});
    cpu.isb();
    if (cpu.template read<FarEl1>().raw == 1)
        return without;
    write_hcr(cpu, with);
    return with;
}

// Disables all traps and offsets for accesses from EL1 to the counters, FP, debug and the PMU, and gives
// SCTLR_EL1 its value at the entry of EL1. A kernel that stays at EL2 finds that value in SCTLR_EL2, which
// then has its layout. Its MDCR_EL2 lets all counters count at EL2 (HPMD = HCCD = 0).
template <class Cpu>
void open_level_of_kernel(Cpu& cpu, Hcr hcr, u64 sctlr_el1)
{
    if (hcr.get<Hcr::E2h>() == 0) {
        cpu.write(Cnthctl{}.with<Cnthctl::El1PhysicalCounter>(1).with<Cnthctl::El1PhysicalTimer>(1));
        cpu.write(Cptr{Cptr::kRes1});
        cpu.write(SctlrEl1{sctlr_el1});
        cpu.write(CntpCtl{});
    } else {
        cpu.write(Cnthctl{}.with<Cnthctl::El1PhysicalCounterVhe>(1).with<Cnthctl::El1PhysicalTimerVhe>(1));
        cpu.write(Cptr{}.with<Cptr::FpEnVhe>(3));
        cpu.write(SctlrEl12{sctlr_el1});
        cpu.write(CntpCtlEl02{});
    }
    if (hcr.get<Hcr::Tge>() != 0) {
        cpu.write(SctlrEl1{sctlr_el1});
        cpu.write(CntvCtlEl02{});
    }
    cpu.write(CnthpCtl{});
    if (has_vhe(cpu.template read<arch::IdAa64Mmfr1>()))
        cpu.write(CnthvCtl{});
    cpu.write(Cntvoff{});
    cpu.write(Hstr{});
    cpu.write(Vttbr{});
    cpu.write(Vpidr{cpu.template read<arch::Midr>().raw});
    cpu.write(Vmpidr{cpu.template read<arch::Mpidr>().raw});
    const bool counts = arch::has_performance_counters(cpu.template read<arch::IdAa64Dfr0>());
    const u64 counters = counts ? cpu.template read<arch::Pmcr>().template get<arch::Pmcr::N>() : u64{0};
    cpu.write(Mdcr{}.with<Mdcr::Hpmn>(counters));
}

// Sets HCRX_EL2 (FEAT_HCX): it leaves out every extension but the two registers that a kernel at EL1 clears
// (boot/el1_setup.hpp).
template <class Cpu>
void configure_extensions(Cpu& cpu)
{
    using arch::IdAa64Mmfr1, arch::IdAa64Mmfr3;
    if (cpu.template read<IdAa64Mmfr1>().template get<IdAa64Mmfr1::Hcx>() == 0)
        return;
    const auto mmfr3 = cpu.template read<IdAa64Mmfr3>();
    const u64 has_tcr2 = mmfr3.template get<IdAa64Mmfr3::Tcrx>() != 0 ? 1 : 0;
    const u64 has_sctlr2 = mmfr3.template get<IdAa64Mmfr3::Sctlrx>() != 0 ? 1 : 0;
    cpu.write(Hcrx{}.with<Hcrx::Tcr2En>(has_tcr2).with<Hcrx::Sctlr2En>(has_sctlr2));
}

// Clears the fine-grained traps (FEAT_FGT, FEAT_FGT2). Bits that trap where they are 0 belong to extensions
// that the kernel does not use.
template <class Cpu>
void disable_fine_grained_traps(Cpu& cpu)
{
    using arch::IdAa64Mmfr0, arch::IdAa64Pfr0;
    const u64 fgt = cpu.template read<IdAa64Mmfr0>().template get<IdAa64Mmfr0::Fgt>();
    if (fgt == 0)
        return;
    cpu.write(Hfgrtr{});
    cpu.write(Hfgwtr{});
    cpu.write(Hfgitr{});
    cpu.write(Hdfgrtr{});
    cpu.write(Hdfgwtr{});
    if (cpu.template read<IdAa64Pfr0>().template get<IdAa64Pfr0::Amu>() != 0)
        cpu.write(Hafgrtr{});
    if (fgt < IdAa64Mmfr0::kFgt2)
        return;
    cpu.write(Hfgrtr2{});
    cpu.write(Hfgwtr2{});
    cpu.write(Hfgitr2{});
    cpu.write(Hdfgrtr2{});
    cpu.write(Hdfgwtr2{});
}

// Gives the GIC's System registers to EL1, and to a kernel at EL2. If EL3 keeps them off, ICC_SRE_EL2.SRE
// stays 0, and ICH_HCR_EL2 is UNDEFINED (GIC architecture, IHI 0069, "System register access control").
template <class Cpu>
void give_gic_registers(Cpu& cpu)
{
    using arch::IdAa64Pfr0;
    if (cpu.template read<IdAa64Pfr0>().template get<IdAa64Pfr0::Gic>() == 0)
        return;
    cpu.write(IccSre{IccSre::kAll});
    cpu.isb();
    if (cpu.template read<IccSre>().template get<IccSre::Sre>() != 0)
        cpu.write(IchHcr{}); // no virtual interface
}

// Configures EL2 for a kernel at EL1 or, if it stays, at EL2; the CPU has FEAT_VHE then. The kernel's SCTLR
// has the given value at first. Called at EL2.
template <class Cpu>
void configure_el2(Cpu& cpu, u64 sctlr_el1, bool kernel_stays)
{
    const Hcr hcr = kernel_stays ? enter_host_mode(cpu) : choose_host_mode(cpu);
    stop_profiling(cpu);
    open_level_of_kernel(cpu, hcr, sctlr_el1);
    configure_extensions(cpu);
    disable_fine_grained_traps(cpu);
    give_gic_registers(cpu);
}

} // namespace percival::boot
