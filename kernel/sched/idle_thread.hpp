// SPDX-License-Identifier: BSD-2-Clause
// The idle thread of each CPU: on no queue, it runs when the queue is empty, and looks for a thread of
// another CPU before it waits for an interrupt.
#pragma once

#include "kernel/sched/thread.hpp"

namespace percival {

bool this_cpu_is_idle();

// What an idle thread runs: waits for something better. Interrupts masked.
[[noreturn]] void run_idle_thread();
// The idle thread of a CPU that comes up, or back, starts anew.
void reset_idle_thread(CpuId cpu);

// Makes every idle thread call `hook` for its CPU before each wait, interrupts masked. Boot CPU, once, before
// any other CPU starts. For what is above the scheduler and acts on idle CPUs only.
using IdleHook = void (*)(CpuId self);
void run_when_idle(IdleHook hook);

// --- Private to the scheduler (kernel/sched/run_queue.hpp)

inline bool is_idle_thread(const Thread& thread)
{
    return thread.priority == Priority::Idle;
}

// The boot CPU's, which is switched to: the other CPUs come up as theirs. Once, by start_scheduler().
void prepare_boot_idle_thread();

} // namespace percival
