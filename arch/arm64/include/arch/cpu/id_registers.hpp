// SPDX-License-Identifier: BSD-2-Clause
// The ID registers that the kernel reads, with the fields it needs (Arm ARM D24.2). Any context.
#pragma once

#include "arch/cpu/sysreg.hpp"
#include "mm/address_space/geometry.hpp"

namespace percival::arch {

struct Midr {
    PERCIVAL_SYSTEM_REGISTER(Midr, "midr_el1")
    using Revision = Field<3, 0>;
    using PartNum = Field<15, 4>;
    using Variant = Field<23, 20>;
    using Implementer = Field<31, 24>;
};

struct Mpidr {
    PERCIVAL_SYSTEM_REGISTER(Mpidr, "mpidr_el1")
    // Aff3.Aff2.Aff1.Aff0 in place. The other bits (MT, U) do not identify the CPU.
    static constexpr u64 kAffinityMask = 0xff'00ff'ffff;
    constexpr u64 affinity() const { return raw & kAffinityMask; }
};

struct IdAa64Isar0 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Isar0, "id_aa64isar0_el1")
    using Atomic = Field<23, 20>; // >= 2: FEAT_LSE
    using Tlb = Field<59, 56>;    // 2: FEAT_TLBIRANGE
};

struct IdAa64Isar1 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Isar1, "id_aa64isar1_el1")
    using Apa = Field<7, 4>;  // FEAT_PAuth, QARMA5
    using Api = Field<11, 8>; // FEAT_PAuth, implementation defined algorithm
};

struct IdAa64Isar2 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Isar2, "s3_0_c0_c6_2")
    using Apa3 = Field<15, 12>; // FEAT_PAuth, QARMA3
};

struct IdAa64Mmfr0 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Mmfr0, "id_aa64mmfr0_el1")
    using PaRange = Field<3, 0>;
    static constexpr u64 kPaRange52Bits = 6;
    using TGran16 = Field<23, 20>;                                 // 0: not implemented, 2: FEAT_LPA2
    static constexpr unsigned kTGran64High = 27, kTGran64Low = 24; // signed; negative: not implemented
    static constexpr unsigned kTGran4High = 31, kTGran4Low = 28;
    using Fgt = Field<59, 56>; // FEAT_FGT
    static constexpr u64 kFgt2 = 2;
};

struct IdAa64Mmfr1 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Mmfr1, "id_aa64mmfr1_el1")
    using Vh = Field<11, 8>;   // FEAT_VHE
    using Ets = Field<39, 36>; // 2: FEAT_ETS2
    using Hcx = Field<43, 40>; // FEAT_HCX
};

struct IdAa64Mmfr2 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Mmfr2, "id_aa64mmfr2_el1")
    using Cnp = Field<3, 0>;       // FEAT_TTCNP
    using VaRange = Field<19, 16>; // 1: FEAT_LVA
    using Bbm = Field<55, 52>;     // FEAT_BBM level
};

struct IdAa64Mmfr3 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Mmfr3, "s3_0_c0_c7_3")
    using Tcrx = Field<3, 0>;   // FEAT_TCR2
    using Sctlrx = Field<7, 4>; // FEAT_SCTLR2
};

struct IdAa64Mmfr4 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Mmfr4, "s3_0_c0_c7_4")
    // E2H0, signed; negative: HCR_EL2.E2H is RES1
    bool can_clear_e2h() const { return signed_field<27, 24>(raw) >= 0; }
};

struct IdAa64Pfr0 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Pfr0, "id_aa64pfr0_el1")
    using Gic = Field<27, 24>; // not 0: the GIC's CPU interface has System registers
    using Amu = Field<47, 44>; // FEAT_AMUv1
};

struct IdAa64Pfr1 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Pfr1, "id_aa64pfr1_el1")
    using Bt = Field<3, 0>; // FEAT_BTI
};

struct IdAa64Dfr0 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Dfr0, "id_aa64dfr0_el1")
    using PmuVer = Field<11, 8>;       // 0 or 0xf: no architected PMU
    using Brps = Field<15, 12>;        // number of breakpoints - 1
    using Wrps = Field<23, 20>;        // number of watchpoints - 1
    using PmsVer = Field<35, 32>;      // FEAT_SPE
    using TraceBuffer = Field<47, 44>; // FEAT_TRBE
};

struct IdAa64Dfr1 {
    PERCIVAL_SYSTEM_REGISTER(IdAa64Dfr1, "id_aa64dfr1_el1")
    using Pmicntr = Field<39, 36>; // FEAT_PMUv3_ICNTR
};

// Returns whether a CPU with these ID registers has FEAT_PAuth, with whatever algorithm.
constexpr bool has_pointer_authentication(IdAa64Isar1 isar1, IdAa64Isar2 isar2)
{
    return isar1.get<IdAa64Isar1::Apa>() != 0 || isar1.get<IdAa64Isar1::Api>() != 0 ||
           isar2.get<IdAa64Isar2::Apa3>() != 0;
}

// Returns whether this CPU translates 52-bit addresses with `granule`. That is FEAT_LPA2 for 4 and 16 KiB,
// and FEAT_LVA for 64 KiB.
inline bool translates_52_bits(mm::Granule granule)
{
    const u64 mmfr0 = IdAa64Mmfr0::read().raw;
    switch (granule) {
    case mm::Granule::K4:
        return signed_field<IdAa64Mmfr0::kTGran4High, IdAa64Mmfr0::kTGran4Low>(mmfr0) >= 1;
    case mm::Granule::K16:
        return IdAa64Mmfr0::TGran16::of(mmfr0) >= 2;
    case mm::Granule::K64:
        return IdAa64Mmfr2::read().get<IdAa64Mmfr2::VaRange>() >= 1;
    }
    return false;
}

// Returns whether this CPU translates 52-bit addresses with `granule` and allows blocks one level further up
// than 48-bit translation does (Arm ARM D8.3.1). FEAT_LPA2 implies these blocks. 64 KiB need FEAT_LPA, which
// concerns output addresses only and therefore shows in PARange.
inline bool has_wide_blocks(mm::Granule granule)
{
    return translates_52_bits(granule) &&
           (granule != mm::Granule::K64 ||
            IdAa64Mmfr0::read().get<IdAa64Mmfr0::PaRange>() == IdAa64Mmfr0::kPaRange52Bits);
}

} // namespace percival::arch
