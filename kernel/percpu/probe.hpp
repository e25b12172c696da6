// SPDX-License-Identifier: BSD-2-Clause
// Whether each CPU's TLB is its own, found by looking: two CPUs read one local address in turns, a thousand
// times or for a quarter of a second.
// On private roots it names two pages; a CPU that ever reads the other's has used an entry that the
// other's walk has made. A probe cannot prove that this never happens, but a TLB that two threads of a core
// share without telling them apart does it at once.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Each CPU with its neighbour: threads of a core have neighbouring numbers. In a thread, with interrupts
// unmasked.
bool tlbs_are_private();

// One CPU's half of a pair: how many of its reads saw another's page. Both halves run at the same time, each
// with interrupts masked, after start_tlb_probe() once.
u32 wrong_reads_beside(CpuId self, CpuId other);
void start_tlb_probe();

} // namespace percival
