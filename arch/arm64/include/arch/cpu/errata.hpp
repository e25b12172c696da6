// SPDX-License-Identifier: BSD-2-Clause
// Properties of CPU models that their ID registers do not show: errata, and one capability that has no ID
// field on some models. Models are recognized by MIDR_EL1, which every CPU reports about itself
// (arch/cpu/cpu_features.hpp). The lists of models are only in arch/arm64/cpu/errata.cpp. Pure functions, any
// context.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// True if a broadcast TLBI and its DSB may complete before accesses that another CPU made through the removed
// entry: that CPU could still write to memory that was unmapped. One more broadcast TLBI and DSB, of any
// address, waits for those accesses (CVE-2025-10263, and older errata that need the same).
bool needs_repeated_tlbi(u64 midr);

// True if a leaf in use may change its size without a TLB conflict abort on such a CPU. Either the maker
// attests that, or the CPU has FEAT_BBM level 3 (`break_before_make_level`, ID_AA64MMFR2_EL1.BBM). Level 2
// alone allows the abort, which a kernel cannot take on its own text and stacks.
bool resizes_live(u64 midr, u64 break_before_make_level);

// True if a read of the 64-bit count may be torn while its lower half rolls over
// (arch/devices/counter.hpp).
bool tears_count_at_rollover(u64 midr);

// True if the hardware threads of such a core may use each other's TLB entries. They share TLBs and have no
// FEAT_TTCNP, with which CnP = 0 would forbid it. percpu=auto therefore does not put them on private roots.
bool may_share_tlb_entries(u64 midr);

// True if CPUs with CnP = 1 use each other's TLB entries wrongly. FEAT_TTCNP then counts as missing.
bool shares_entries_wrongly(u64 midr);

} // namespace percival::arch
