// SPDX-License-Identifier: BSD-2-Clause
// What a CPU is able to do, as far as the kernel asks.
#pragma once

#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

struct CpuFeatures {
    u64 midr{0};
    bool lse{false};                    // FEAT_LSE: atomic instructions
    bool common_not_private{false};     // FEAT_TTCNP: the CnP bit exists (and must stay 0)
    bool bti{false};                    // FEAT_BTI
    bool pointer_authentication{false}; // FEAT_PAuth
    bool range_tlbi{false};             // FEAT_TLBIRANGE
    bool performance_counters{false};   // FEAT_PMUv3
    bool needs_repeated_tlbi{false};    // an erratum (arch/cpu/errata.hpp)
    bool resizes_live{false};           // leaves in use may change their size (arch/cpu/errata.hpp)
    u8 break_before_make_level{0};      // FEAT_BBM
    u8 physical_bits{0};                // of a physical address
};

// Of the calling CPU.
CpuFeatures read_cpu_features();

// "LSE CnP BTI PAuth …", what is there.
void describe_features(Writer& out, const CpuFeatures& features);

// "Cortex-A53 r0p4", or the MIDR's numbers for a part without a name here.
void describe_cpu(Writer& out, u64 midr);

} // namespace percival::arch
