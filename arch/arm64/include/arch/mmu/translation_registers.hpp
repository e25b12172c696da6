// SPDX-License-Identifier: BSD-2-Clause
// The registers that control stage 1 translation at the kernel's level, and the values that the kernel gives
// them: MAIR_EL1, SCTLR_EL1, TCR_EL1, TTBR0_EL1 (Arm ARM D24.2). In a kernel at EL2 these names stand for the
// registers of EL2. TTBR1_EL1 is in arch/mmu/root_register.hpp.
#pragma once

#include "arch/cpu/sysreg.hpp"
#include "arch/mmu/pte.hpp"
#include "kernel/lib/address.hpp"

#include <array>

namespace percival::arch {

struct Ttbr0 {
    PERCIVAL_SYSTEM_REGISTER(Ttbr0, "ttbr0_el1")
};

struct Mair {
    PERCIVAL_SYSTEM_REGISTER(Mair, "mair_el1")
    static constexpr Mair kernel()
    {
        constexpr u64 kDeviceNGnRE = 0x04;
        constexpr u64 kNormalWriteBack = 0xff; // inner and outer write-back, read and write allocate
        return Mair{kDeviceNGnRE << (8 * static_cast<u64>(MemoryAttribute::DeviceNGnRE)) |
                    kNormalWriteBack << (8 * static_cast<u64>(MemoryAttribute::NormalWriteBack))};
    }
};

// The granule encodings of TTBR0 and TTBR1 differ, so they are different types.
enum class Tg0 : u64 { K4 = 0, K64 = 1, K16 = 2 };
enum class Tg1 : u64 { K16 = 1, K4 = 2, K64 = 3 };

constexpr Tg0 tg0(mm::Granule granule)
{
    return granule == mm::Granule::K4 ? Tg0::K4 : granule == mm::Granule::K16 ? Tg0::K16 : Tg0::K64;
}
constexpr Tg1 tg1(mm::Granule granule)
{
    return granule == mm::Granule::K4 ? Tg1::K4 : granule == mm::Granule::K16 ? Tg1::K16 : Tg1::K64;
}

struct Tcr {
    PERCIVAL_SYSTEM_REGISTER(Tcr, "tcr_el1")
    using T0sz = Field<5, 0>;
    using Irgn0 = Field<9, 8>;
    using Orgn0 = Field<11, 10>;
    using Sh0 = Field<13, 12>;
    using Tg0Field = Field<15, 14>;
    using T1sz = Field<21, 16>;
    using Irgn1 = Field<25, 24>;
    using Orgn1 = Field<27, 26>;
    using Sh1 = Field<29, 28>;
    using Tg1Field = Field<31, 30>;
    using Ips = Field<34, 32>;
    using Ds = Field<59>; // FEAT_LPA2: 52-bit descriptors for 4 and 16 KiB

    // Reads the register when the MMU is on. It is constant then, so the assembly is not volatile and the
    // compiler may read it once for several uses.
    static Tcr read_constant()
    {
        Tcr tcr;
        asm("mrs %0, tcr_el1" : "=r"(tcr.raw));
        return tcr;
    }

    // Returns the kernel's value. `physical_range` is ID_AA64MMFR0_EL1.PARange of this CPU.
    template <mm::Granule G, unsigned IdmapBits, unsigned KernelBits>
    static Tcr kernel(u64 physical_range)
    {
        constexpr u64 kWriteBack = 1, kInnerShareable = 3;
        constexpr u64 k48Bits = 5, k52Bits = 6; // values of IPS
        const bool wide = KernelBits == 52 && !mm::folded_to_48_bits;
        const u64 max_range = wide ? k52Bits : k48Bits;
        return Tcr{}
            .with<Ds>(wide && G != mm::Granule::K64 ? 1 : 0)
            .with<T0sz>(64 - IdmapBits)
            .with<Irgn0>(kWriteBack)
            .with<Orgn0>(kWriteBack)
            .with<Sh0>(kInnerShareable)
            .with<Tg0Field>(static_cast<u64>(tg0(G)))
            .with<T1sz>(KernelBits == 52 && !wide ? 64 - 48 : 64 - KernelBits)
            .with<Irgn1>(kWriteBack)
            .with<Orgn1>(kWriteBack)
            .with<Sh1>(kInnerShareable)
            .with<Tg1Field>(static_cast<u64>(tg1(G)))
            .with<Ips>(physical_range < max_range ? physical_range : max_range);
    }
};

// Returns the end of the physical addresses that translations of this CPU can lead to (TCR_EL1.IPS).
inline PhysAddr output_address_limit()
{
    constexpr std::array<u8, 8> kBits{32, 36, 40, 42, 44, 48, 52, 56};
    return PhysAddr{u64{1} << kBits[Tcr::read().get<Tcr::Ips>()]};
}

struct Sctlr {
    PERCIVAL_SYSTEM_REGISTER(Sctlr, "sctlr_el1")
    using M = Field<0>;    // MMU
    using A = Field<1>;    // alignment checks
    using C = Field<2>;    // data cache
    using Sa = Field<3>;   // SP alignment check
    using Eos = Field<11>; // exception exit is context synchronizing
    using I = Field<12>;   // instruction cache
    using Wxn = Field<19>; // writable memory is execute-never, whatever its descriptor says
    using Tscxt = Field<20>;
    using Eis = Field<22>;  // exception entry is context synchronizing
    using Span = Field<23>; // 1: exceptions do not change PSTATE.PAN
    using Ntlsmd = Field<28>;
    using Lsmaoe = Field<29>;
    using EnIa = Field<31>; // FEAT_PAuth: return addresses are signed with key IA

    // Returns the value with the MMU off. It sets the bits that are RES1 where their feature is missing;
    // where the feature exists they must be 1 too.
    static constexpr Sctlr mmu_off()
    {
        return Sctlr{}.with<Eos>(1).with<Tscxt>(1).with<Eis>(1).with<Span>(1).with<Ntlsmd>(1).with<Lsmaoe>(1);
    }
    // Returns the value with which the kernel runs.
    static constexpr Sctlr kernel(bool pointer_authentication)
    {
        return mmu_off().with<M>(1).with<C>(1).with<I>(1).with<Sa>(1).with<Wxn>(1).with<EnIa>(
            pointer_authentication ? 1 : 0);
    }
};

} // namespace percival::arch
