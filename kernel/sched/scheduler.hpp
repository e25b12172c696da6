// SPDX-License-Identifier: BSD-2-Clause
// The scheduler decides which thread runs on which CPU. Each CPU has its own queue and runs the first thread
// of the highest priority; the tick shares the time among threads of the same priority. A CPU whose queue is
// empty takes a thread from another CPU's queue (idle pull). A CPU with more threads than another hands one
// over from time to time (periodic push).
//
// A thread is replaced when an interrupt returns, when it ends its last PreemptGuard, or when it blocks. Only
// threads may block, with interrupts unmasked and no PreemptGuard held; anything else is a panic.
//
// INV-scheduler-1: threads are switched with interrupts masked and with the queue's lock held. The incoming
//                  thread gives the lock back, so the saved state of the outgoing thread is complete before
//                  another CPU can find that thread.
// INV-scheduler-2: no exclusive monitor survives a switch. Only an exception can replace a thread between its
//                  exclusive load and store. The thread then resumes by an exception return, which clears the
//                  monitor (Arm ARM B2.12.2). The exclusive store of another thread cannot succeed by mistake
//                  either, because its own exclusive load precedes it.
#pragma once

#include "kernel/lib/cpu_set.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

// The time slice: how many ticks a thread runs while others of the same priority wait.
inline constexpr u32 kSliceTicks = 2;

// Lets the boot CPU run threads; the caller is the first of them. Boot CPU, once, before any other CPU
// starts.
void start_scheduler();
// Lets the calling CPU run threads. Called by the idle thread of every other CPU each time that CPU comes up,
// interrupts masked.
void join_scheduler();

// Returns the CPUs that accept threads.
CpuSet active_cpus();

// --- For CPU hotplug

// Stops `cpu` from accepting threads until it joins again, and moves the waiting threads to other CPUs. The
// running thread leaves at its next switch, which is requested. Threads only.
void deactivate_cpu(CpuId cpu);
// Returns whether `cpu` has no thread left but its idle thread.
bool has_no_threads(CpuId cpu);

} // namespace percival
