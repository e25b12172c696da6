// SPDX-License-Identifier: BSD-2-Clause
// Where all CPUs are on one root (`roots=common`), they may use each other's TLB entries of kernel addresses:
// CnP = 1 in TTBR1_EL1. A CPU starts with CnP = 0.
//
// INV-common_root-1: no CPU has CnP = 1 while any CPU may be on another root for good, and none has it unless
//                    every CPU of the boot has FEAT_TTCNP and no erratum of it (arch/cpu/errata.hpp).
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

// Sets CnP on all CPUs, if they are on one root and all of them have FEAT_TTCNP. Boot CPU, once, after
// finalise_features() and start_everywhere_threads(), in a thread.
void share_tlb_entries();

// Sets CnP on the calling CPU, `self`, if share_tlb_entries() has set it on those of the boot and this one
// has FEAT_TTCNP, too. Otherwise the CPU stays with CnP = 0, which is always right. While the CPU comes,
// interrupts masked.
void share_tlb_entries_of(CpuId self, const arch::CpuFeatures& features);

} // namespace percival
