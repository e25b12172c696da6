// SPDX-License-Identifier: BSD-2-Clause
// The classic per-CPU access without its protection, for the controls of the hazard tests: compute this CPU's
// global address, let the thread move, use the address.
#pragma once

#include "arch/percpu/register.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/thread_group.hpp"

namespace percival {

// Returns the copy of the CPU on which it is called. The thread may be on another CPU when it returns.
template <class T>
T& unprotected(PerCpu<T>& variable)
{
    return *reinterpret_cast<T*>(variable.local_address().raw() + arch::read_this_cpu_distance());
}

// Runs `body` in a thread of its own, because the self-tests' thread stays on one CPU.
template <class F>
void in_a_thread_that_may_move(F body)
{
    auto numbered = [&body](u32) { body(); };
    ThreadGroup group{1, numbered};
}

// Moves the calling thread to `cpu`, where it stays until it calls this again.
inline void go_to(CpuId cpu)
{
    set_affinity(current_thread(), CpuSet::only(cpu));
    EXPECT(this_cpu_id() == cpu);
}

// Moves the calling thread to the next CPU, as a preemption at the worst moment does.
inline void move_on()
{
    go_to(cpu_after(this_cpu_id()));
}

} // namespace percival
