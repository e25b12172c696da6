// SPDX-License-Identifier: BSD-2-Clause
// The classic per-CPU access with its protection left out: this CPU's global address is computed, the thread is
// moved, the address is used. What the hazard tests' controls do on purpose.
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

// The copy of the CPU it is called on, which may be another by the time it returns.
template <class T>
T& unprotected(PerCpu<T>& variable)
{
    return *reinterpret_cast<T*>(variable.local_address().raw() + arch::read_this_cpu_distance());
}

// The self-tests' own thread stays on one CPU.
template <class F>
void in_a_thread_that_may_move(F body)
{
    auto numbered = [&body](u32) { body(); };
    ThreadGroup group{1, numbered};
}

// And stays there, until it goes elsewhere.
inline void go_to(CpuId cpu)
{
    set_affinity(current_thread(), CpuSet::only(cpu));
    EXPECT(this_cpu_id() == cpu);
}

// To the next CPU: what a preemption at the worst moment does.
inline void move_on()
{
    go_to(cpu_after(this_cpu_id()));
}

} // namespace percival
