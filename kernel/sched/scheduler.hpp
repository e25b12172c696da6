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

#include "kernel/sched/thread.hpp"

namespace percival {

// What the timer of tests and of time slices is: how long one of several equals runs.
inline constexpr u32 kSliceTicks = 2;

// Makes the boot CPU run threads: the caller is its first. Boot CPU, once, before any other CPU starts.
void start_scheduler();
// Makes every other CPU run threads, each time it comes up: the caller is its idle thread, interrupts masked.
void join_scheduler();
// What an idle thread runs: waits for something better. Interrupts masked.
[[noreturn]] void run_idle_thread();

// Goes behind the threads of its priority.
void yield();

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

// Sleeps. Blocks.
void sleep_for_nanoseconds(u64 nanoseconds);

// CPUs that take threads.
CpuSet active_cpus();

// Thread switches this CPU has made.
u64 switch_count(CpuId cpu);

namespace thread_detail {
// Queues a thread that has never run.
void make_ready(Thread& thread);
} // namespace thread_detail

// --- For interrupt handling, the tick and CPU hotplug

// Makes a switch due on `cpu`.
void request_switch(CpuId cpu);
// The Ipi::Reschedule handler: makes a switch due here.
void make_switch_due();
// At the end of an interrupt, masked, on the interrupted thread's stack.
void switch_at_interrupt_return();
// From an interrupt handler: the interrupted thread continues on `cpu`, if it may run there. For tests that move
// threads between any two instructions.
void move_interrupted_thread(CpuId cpu);
// One tick of the running thread. Interrupts masked.
void scheduler_tick();
bool this_cpu_is_idle();

// From now on `cpu` gets no threads and sends away those it has, until it joins again.
void deactivate_cpu(CpuId cpu);
// Whether nothing but the idle thread is left there.
bool has_no_threads(CpuId cpu);
// The idle thread of a CPU that comes back starts anew.
void reset_idle_thread(CpuId cpu);

} // namespace percival
