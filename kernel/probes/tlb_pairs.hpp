// SPDX-License-Identifier: BSD-2-Clause
// Whether each CPU has a TLB of its own, for pairs of CPUs: the boot's probe (kernel/percpu/probe.hpp), of
// every pair on up to 16 CPUs. On more, each CPU is paired with those whose number differs in one of the
// lowest two bits, in both, or in one other bit: threads of a core have neighbouring numbers.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/percpu/probe.hpp"

#include <bit>

namespace percival {

// Probes the pairs. With `shares_a_root` the second online CPU is on the root of the first one meanwhile,
// which looks like a shared TLB. In a thread of the boot CPU, with interrupts unmasked; each CPU has a root
// of its own.
void read_in_pairs(bool shares_a_root);

// Returns the reads of `self` beside all others in read_in_pairs().
PairReads reads_in_pairs(CpuId self);

// Probes the pairs and prints a row for each CPU, which the rows of all CPUs make a matrix. Returns
// whether no read saw another CPU's page. In a thread of the boot CPU, with interrupts unmasked.
bool probe_tlb_pairs(bool shares_a_root);

inline constexpr u32 kAllPairsUpTo = 16; // CPUs

// Returns the next distance after `distance` at which CPUs are paired: numbers that differ by exactly these
// bits. 0 comes before the first; returns 0 after the last. `cpus` is one more than the highest number.
constexpr u32 next_pair_distance(u32 distance, u32 cpus)
{
    const u32 next = cpus <= kAllPairsUpTo || distance < 4 ? distance + 1 : distance * 2;
    return next < std::bit_ceil(cpus) ? next : 0;
}

} // namespace percival
