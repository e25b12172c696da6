// SPDX-License-Identifier: BSD-2-Clause
// TTBR1_EL1, which holds the root by which a CPU translates kernel addresses (Arm ARM D24.2). Only
// root_register() and sharing_entries() make values: for a CPU that changes its root
// (arch/mmu/root_switch.hpp), and for a CPU that starts on its own root (arch/boot/boot_record.hpp). Any
// context, MMU on or off.
//
// INV-root_register-1: CnP is 0 in every value the kernel writes while roots differ between CPUs, because
//                      CnP = 1 lets CPUs share TLB entries (Arm ARM D8.15.1, Use of the Common not Private
//                      bit). It is 1 only in values for one root that all CPUs are on for good, and only
//                      where all CPUs of the boot have FEAT_TTCNP (kernel/hotplug/common_root.hpp).
// INV-root_register-2: a TLB may keep CnP. So it changes only by way of the reserved root, whose CnP is 0,
//                      and an invalidation of this CPU's TLB (replace_ttbr1, wait_off_root).
#pragma once

#include "arch/cpu/sysreg.hpp"
#include "kernel/lib/address.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/address_space/kernel_geometry.hpp"

namespace percival::arch {

struct RootRegister {
    PERCIVAL_SYSTEM_REGISTER(RootRegister, "ttbr1_el1")
    using Cnp = Field<0>; // FEAT_TTCNP
    using Base = Field<47, 1>;
    using BaseHigh = Field<5, 2>; // bits 51:48 of the base, if output addresses have 52 bits
};

// Returns the value with which the hardware's walks begin at `walk_start`. That is the root, except in a
// folded build (mm/address_space/fold.hpp).
inline RootRegister root_register(PhysAddr walk_start)
{
    const u64 low = walk_start.raw() & RootRegister::Base::kMask;
    const bool has_52_bit_base = mm::KernelGeometry::kVaBits == 52 && !mm::folded_to_48_bits;
    return has_52_bit_base ? RootRegister{RootRegister::BaseHigh::in(low, walk_start.raw() >> 48)}
                           : RootRegister{low};
}

// Returns the value for the same root with CnP = 1, for a CPU that has FEAT_TTCNP (INV-root_register-1).
inline RootRegister sharing_entries(RootRegister root)
{
    return root.with<RootRegister::Cnp>(1);
}

} // namespace percival::arch
