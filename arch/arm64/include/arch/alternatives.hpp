// SPDX-License-Identifier: BSD-2-Clause
// Instructions chosen at boot. A site is one instruction: as linked it branches to an LL/SC sequence out of
// line, which every AArch64 CPU has; where all CPUs have FEAT_LSE it is overwritten by the one atomic
// instruction recorded beside it.
//
//      .text            .llsc.text                 section alternatives
//   1: b 2f          2: ldxr …                     { 1b - . , ldadd … }
//   3: …                stxr …; cbnz …; b 3b
//
// So the patched path is one instruction with nothing around it, and the unpatched one is right from the
// first instruction.
#pragma once

#include "kernel/types.hpp"

// `lse` is one instruction, `llsc` a sequence that may use local label 4. Sections are joined to the group of
// the function, so that a discarded inline function takes its sequence along ("?").
#define PERCIVAL_LSE_OR_LLSC(lse, llsc)               \
    "1: b 2f\n"                                       \
    "3:\n"                                            \
    ".pushsection .llsc.text, \"ax?\", %%progbits\n"  \
    "2: " llsc "\n"                                   \
    "b 3b\n"                                          \
    ".popsection\n"                                   \
    ".pushsection alternatives, \"a?\", %%progbits\n" \
    ".arch_extension lse\n"                           \
    ".long 1b - .\n" lse "\n"                         \
    ".popsection\n"

namespace percival::arch {

struct Alternative {
    s32 site_offset; // from this field to the site
    u32 instruction;
    u32* site()
    {
        return reinterpret_cast<u32*>(reinterpret_cast<u64>(this) + static_cast<u64>(s64{site_offset}));
    }
};

// Overwrites all sites with their LSE instructions. The other CPUs must be held where they execute no site,
// and each needs an ISB before it goes on. Boot CPU, interrupts masked, once. Returns the number of sites.
u32 patch_atomics_to_lse();

// Whether patch_atomics_to_lse() was done.
bool atomics_are_lse();

} // namespace percival::arch
