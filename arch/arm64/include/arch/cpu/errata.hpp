// SPDX-License-Identifier: BSD-2-Clause
// What is known of CPU models beyond what their ID registers say: errata, and one strength that has no field
// there. By MIDR_EL1, which every CPU says of itself (arch/cpu/cpu_features.hpp); the lists are data, here
// and nowhere else, in arch/arm64/cpu/errata.cpp. Any context.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// A broadcast TLBI and its DSB may be complete while accesses that another CPU made through the removed entry
// are not: memory that was unmapped could still be written to. Any further broadcast TLBI and DSB waits for
// them (CVE-2025-10263, and older errata that need the same).
bool needs_repeated_tlbi(u64 midr);

// A leaf in use may change its size, and no CPU of the kind ever answers that with a TLB conflict abort:
// attested by the maker, or FEAT_BBM level 3 (`break_before_make_level`, ID_AA64MMFR2_EL1.BBM). Level 2 alone
// allows the abort, which a kernel cannot take on its own text and stacks.
bool resizes_live(u64 midr, u64 break_before_make_level);

// Nothing attests that the threads of such a core never use each other's TLB entries, so percpu=auto does not
// put them on private roots: they share TLBs, and have no FEAT_TTCNP, with which CnP = 0 promises it.
bool may_share_tlb_entries(u64 midr);

} // namespace percival::arch
