// SPDX-License-Identifier: BSD-2-Clause
// Threads that ask for a CPU, for once or from now on.
#pragma once

#include "kernel/sched/thread.hpp"

namespace percival {

// Continues on `cpu`, once; from there the thread goes wherever balancing or its affinity lead. False, and no
// move: the thread may not run there, or the CPU takes no threads. Blocks.
[[nodiscard]] bool migrate_to(CpuId cpu);

// Where a thread may run. The calling thread is on one of these CPUs when this returns (so it must be able to
// block then); another one is soon. While none of them takes threads the thread runs anywhere.
void set_affinity(Thread& thread, const CpuSet& cpus);

// The calling thread may run on this CPU only for its lifetime, and may still block and be preempted.
class StayOnCpu : Immovable {
public:
    StayOnCpu();
    ~StayOnCpu();
    CpuId cpu() const { return cpu_; }

private:
    CpuSet before_;
    CpuId cpu_;
};

// From an interrupt handler: the interrupted thread continues on `cpu`, if it may run there. For tests that
// move threads between any two instructions.
void move_interrupted_thread(CpuId cpu);

} // namespace percival
