// SPDX-License-Identifier: BSD-2-Clause
// Which thread runs where. Each CPU has a queue of its own and runs the first of the highest priority; among
// equals the tick shares out the time. A CPU that runs out of threads takes one from another CPU's queue
// (idle pull); a CPU with more threads than another hands one over from time to time (periodic push).
//
// A thread is replaced when an interrupt returns, or when it ends its last PreemptGuard, or when it blocks.
// Blocking is for threads only, with interrupts unmasked and no PreemptGuard held: a panic otherwise.
//
// INV-scheduler-1: threads are switched with interrupts masked and the queue's lock held, which the thread
//                  that comes in gives back: what the one that goes out leaves behind is complete before
//                  another CPU can find it.
// INV-scheduler-2: no exclusive monitor survives a switch. A thread can be replaced between its load and its
//                  store only by an exception, and then continues by an exception return, which clears the
//                  monitor (Arm ARM B2.12.2). Nobody else's store can profit: each is preceded by a load of
//                  its own.
#pragma once

#include "kernel/lib/cpu_set.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

// What the timer of tests and of time slices is: how long one of several equals runs.
inline constexpr u32 kSliceTicks = 2;

// Makes the boot CPU run threads: the caller is its first. Boot CPU, once, before any other CPU starts.
void start_scheduler();
// Makes every other CPU run threads, each time it comes up: the caller is its idle thread, interrupts masked.
void join_scheduler();

// CPUs that take threads.
CpuSet active_cpus();

// --- For CPU hotplug

// From now on `cpu` gets no threads and sends away those it has, until it joins again.
void deactivate_cpu(CpuId cpu);
// Whether nothing but the idle thread is left there.
bool has_no_threads(CpuId cpu);

} // namespace percival
