// SPDX-License-Identifier: BSD-2-Clause
// Probes whether each CPU has a TLB of its own: two CPUs take turns at reading the same local address, a
// thousand times or until a time limit. On private roots that address names a different page on each CPU. A
// CPU that reads the other's page has used a TLB entry that the other CPU's walk has made. A probe cannot
// prove that this never happens. But it happens at once if two threads of a core share a TLB that does not
// tell them apart.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Probes each online CPU with its neighbours, since the threads of a core have neighbouring numbers. Returns
// false if any read saw another CPU's page. In a thread, with interrupts unmasked.
bool tlbs_are_private();

// The reads that a CPU made beside another one, and how many of them saw another CPU's page.
struct PairReads {
    u32 made{0};
    u32 wrong{0};
};

// Runs the half of `self` in the probe of a pair, and returns its reads. Both halves run at the same time,
// each on its CPU with interrupts masked. start_tlb_probe() comes before, and prepares one probe of each
// pair.
PairReads reads_beside(CpuId self, CpuId other);
void start_tlb_probe();

} // namespace percival
