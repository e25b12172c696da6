// SPDX-License-Identifier: BSD-2-Clause
// The idle thread of each CPU. It is on no queue and runs when the CPU's queue is empty. Before it waits for
// an interrupt, it tries to take a thread from another CPU.
#pragma once

#include "kernel/sched/thread.hpp"

namespace percival {

// Returns whether the calling CPU runs its idle thread.
bool this_cpu_is_idle();

// Is the body of an idle thread: pulls threads from other CPUs, and waits for an interrupt when there are
// none. Called with interrupts masked or not.
[[noreturn]] void run_idle_thread();
// Puts the idle thread of `cpu` into its first state, for a CPU that is about to start or to start again.
void reset_idle_thread(CpuId cpu);

// Makes every idle thread call `hook` with its own CPU before each wait, interrupts masked. Boot CPU, once,
// before any other CPU starts. It lets code above the scheduler act on an idle CPU.
using IdleHook = void (*)(CpuId self);
void run_when_idle(IdleHook hook);

// --- Private to the scheduler (kernel/sched/run_queue.hpp)

inline bool is_idle_thread(const Thread& thread)
{
    return thread.priority == Priority::Idle;
}

// Prepares the idle thread of the boot CPU, which is switched to like any thread; every other CPU starts as
// its idle thread. Called once, by start_scheduler().
void prepare_boot_idle_thread();

} // namespace percival
