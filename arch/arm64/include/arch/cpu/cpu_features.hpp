// SPDX-License-Identifier: BSD-2-Clause
// The features of a CPU that the kernel asks for. Any context.
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
    bool needs_repeated_tlbi{false};    // the CPU has an erratum (arch/cpu/errata.hpp)
    bool resizes_live{false};           // leaves in use may change their size (arch/cpu/errata.hpp)
    u8 break_before_make_level{0};      // FEAT_BBM
    u8 physical_bits{0};                // size of a physical address
};

// Returns the features of the calling CPU.
CpuFeatures read_cpu_features();

// Writes the names of the features that the CPU has, "LSE CnP BTI PAuth …".
void describe_features(Writer& out, const CpuFeatures& features);

// Writes the name and release of a CPU, "Cortex-A53 r0p4", or the MIDR's numbers if the part has no name
// here.
void describe_cpu(Writer& out, u64 midr);

} // namespace percival::arch
