// SPDX-License-Identifier: BSD-2-Clause
// The registers of a GICv3 that Percival uses (Arm IHI 0069H, chapter 12). Only arch/arm64/devices/gic_v3.cpp
// includes this header.
#pragma once

#include "arch/arm64/devices/gic.hpp"
#include "arch/cpu/mmio.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::arch::gic_v3 {

// The distributor has one frame. A redistributor has two, for control and for private interrupts, and with
// virtual LPIs two more.
inline constexpr Bytes kFrame = 64_KiB;

// The identification register, in the distributor and in the control frame of a redistributor.
inline constexpr u32 kPeripheralId2 = 0xffe8;
using ArchitectureRevision = Field<7, 4>;

inline bool is_v3_or_v4(Mmio frame)
{
    const u64 revision = ArchitectureRevision::of(frame.read32(kPeripheralId2));
    return revision == 3 || revision == 4;
}

// Distributor.
inline constexpr u32 kDistributorControl = 0x0000;
// GICD_CTLR. EnableGroup1 is EnableGrp1 with one security state, and EnableGrp1A in the non-secure view of
// two.
struct DistributorControl {
    using EnableGroup0 = Field<0>; // reserved in the non-secure view once affinity routing is on
    using EnableGroup1 = Field<1>;
    using AffinityRouting = Field<4>;
    using WritePending = Field<31>;
};
inline constexpr u32 kDistributorType = 0x0004;
// GICD_TYPER.
struct DistributorType {
    using ExtendedShared = Field<8>; // there are shared interrupts from INTID 4096 on
    using RangeSelector = Field<26>;
    using ExtendedSharedRange = Field<31, 27>; // words of them, minus one
};
inline constexpr gic::StateRegisters kExtendedShared{
    .clear_enable = 0x1400, .clear_pending = 0x1800, .clear_active = 0x1c00};

// Redistributor, control frame.
inline constexpr u32 kRedistributorControl = 0x0000;
struct RedistributorControl {
    using EnableLpis = Field<0>;
    using WritePending = Field<3>;
};
inline constexpr u32 kRedistributorType = 0x0008;
struct RedistributorType {
    using VirtualLpis = Field<1>;
    using Last = Field<4>;                      // this is the last redistributor of its region
    using ExtendedPrivateWords = Field<31, 27>; // words of PPIs from INTID 1056 on
    using Affinity = Field<63, 32>;
};
inline constexpr u32 kWaker = 0x0014;
struct Waker {
    using ProcessorSleep = Field<1>;
    using ChildrenAsleep = Field<2>;
};

// Returns MPIDR_EL1's affinity fields side by side, as GICR_TYPER holds them.
constexpr u64 packed_affinity(u64 affinity)
{
    return Field<39, 32>::of(affinity) << 24 | Field<23, 0>::of(affinity);
}
static_assert(packed_affinity(0x12'0034'5678) == 0x1234'5678);

// CPU interface.
struct SystemRegisterEnable {
    PERCIVAL_SYSTEM_REGISTER(SystemRegisterEnable, "icc_sre_el1")
    using Enable = Field<0>;
};
struct InterfaceControl {
    PERCIVAL_SYSTEM_REGISTER(InterfaceControl, "icc_ctlr_el1")
    using CommonBinaryPoint = Field<0>;
    using EoiMode = Field<1>;
    using PriorityBits = Field<10, 8>; // the number of priority bits, minus one
    using RangeSelector = Field<18>;   // Aff0 in SGIs may be above 15
};
struct PriorityMask {
    PERCIVAL_SYSTEM_REGISTER(PriorityMask, "icc_pmr_el1")
};
struct BinaryPoint1 {
    PERCIVAL_SYSTEM_REGISTER(BinaryPoint1, "icc_bpr1_el1")
};
// The active priorities of either group: a bit for each preemption level, in one, two or four words.
struct Group0ActiveWord0 {
    PERCIVAL_SYSTEM_REGISTER(Group0ActiveWord0, "icc_ap0r0_el1")
};
struct Group0ActiveWord1 {
    PERCIVAL_SYSTEM_REGISTER(Group0ActiveWord1, "icc_ap0r1_el1")
};
struct Group0ActiveWord2 {
    PERCIVAL_SYSTEM_REGISTER(Group0ActiveWord2, "icc_ap0r2_el1")
};
struct Group0ActiveWord3 {
    PERCIVAL_SYSTEM_REGISTER(Group0ActiveWord3, "icc_ap0r3_el1")
};
struct Group1ActiveWord0 {
    PERCIVAL_SYSTEM_REGISTER(Group1ActiveWord0, "icc_ap1r0_el1")
};
struct Group1ActiveWord1 {
    PERCIVAL_SYSTEM_REGISTER(Group1ActiveWord1, "icc_ap1r1_el1")
};
struct Group1ActiveWord2 {
    PERCIVAL_SYSTEM_REGISTER(Group1ActiveWord2, "icc_ap1r2_el1")
};
struct Group1ActiveWord3 {
    PERCIVAL_SYSTEM_REGISTER(Group1ActiveWord3, "icc_ap1r3_el1")
};
struct GroupEnable0 {
    PERCIVAL_SYSTEM_REGISTER(GroupEnable0, "icc_igrpen0_el1")
};
struct GroupEnable1 {
    PERCIVAL_SYSTEM_REGISTER(GroupEnable1, "icc_igrpen1_el1")
    using Enable = Field<0>;
};
struct Acknowledge1 {
    PERCIVAL_SYSTEM_REGISTER(Acknowledge1, "icc_iar1_el1")
    using Intid = Field<23, 0>;
};
struct EndOfInterrupt1 {
    PERCIVAL_SYSTEM_REGISTER(EndOfInterrupt1, "icc_eoir1_el1")
};
struct SendSgi1 {
    PERCIVAL_SYSTEM_REGISTER(SendSgi1, "icc_sgi1r_el1")
    using TargetList = Field<15, 0>; // one bit for each value of the low four bits of Aff0
    using Affinity1 = Field<23, 16>;
    using Intid = Field<27, 24>;
    using Affinity2 = Field<39, 32>;
    using Range = Field<47, 44>; // the high four bits of Aff0
    using Affinity3 = Field<55, 48>;

    // Returns the value that sends to the CPU with this affinity, without an INTID.
    static constexpr SendSgi1 to(u64 affinity)
    {
        return SendSgi1{}
            .with<TargetList>(u64{1} << Field<3, 0>::of(affinity))
            .with<Range>(Field<7, 4>::of(affinity))
            .with<Affinity1>(Field<15, 8>::of(affinity))
            .with<Affinity2>(Field<23, 16>::of(affinity))
            .with<Affinity3>(Field<39, 32>::of(affinity));
    }
};
static_assert(SendSgi1::to(0).raw == 1);
static_assert(SendSgi1::to(0x12'0034'5678).raw == 0x0012'7034'0056'0100);

// Returns whether an SGI to the CPU with this affinity needs a range selector.
constexpr bool needs_range_selector(u64 affinity)
{
    return Field<7, 4>::of(affinity) != 0;
}

} // namespace percival::arch::gic_v3
