// SPDX-License-Identifier: BSD-2-Clause
// Threads that ask for certain CPUs, once or from now on.
#pragma once

#include "kernel/sched/thread.hpp"

namespace percival {

// Moves the calling thread to `cpu`. The thread does not stay there: balancing and its affinity apply as
// usual afterwards. Returns false, without a move, if the thread may not run there or the CPU accepts no
// threads. Blocks.
[[nodiscard]] bool migrate_to(CpuId cpu);

// Sets the CPUs that a thread may run on. If it is the calling thread, it is on one of them at the return, so
// it must be able to block; another thread moves there soon. While none of them accepts threads, the thread
// runs anywhere.
void set_affinity(Thread& thread, const CpuSet& cpus);

// Keeps the calling thread on its current CPU for the lifetime of the object. The thread may still block and
// be preempted.
class StayOnCpu : Immovable {
public:
    StayOnCpu();
    ~StayOnCpu();
    CpuId cpu() const { return cpu_; }

private:
    CpuSet before_;
    CpuId cpu_;
};

// Makes the interrupted thread continue on `cpu`, if it may run there. Called from an interrupt handler, by
// tests that move threads between any two instructions.
void move_interrupted_thread(CpuId cpu);

} // namespace percival
