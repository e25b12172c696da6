// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/idle_thread.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/threads/context_switch.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/load_balance.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "mm/percpu/area.hpp"
#include "mm/vmalloc/stacks.hpp"

namespace percival {
namespace {

constinit IdleHook idle_hook{nullptr};

// Idle pull: takes a thread from the first CPU that has one to spare. Interrupts masked.
void pull(CpuId self)
{
    if (!active_cpu_set.contains(self))
        return;
    SharedCpuSet::find_common(spare_cpu_set, active_cpu_set,
                              [self](CpuId cpu) { return cpu != self && hand_over(cpu, self); });
}

} // namespace

bool this_cpu_is_idle()
{
    // During a switch the incoming thread counts, for which the alarm is set.
    const Thread* const running = run_queues.on(this_cpu_id()).running.load(std::memory_order_relaxed);
    return running != nullptr && is_idle_thread(*running);
}

void reset_idle_thread(CpuId cpu)
{
    Thread& idle = idle_thread.on(cpu);
    idle.count = 0;
    idle.due = 0;
    idle.percpu_note = 0;
    idle.priority = Priority::Idle;
    idle.name = "idle";
    idle.affinity = CpuSet::only(cpu);
    idle.cpu.store(cpu.index(), std::memory_order_relaxed);
    idle.state = ThreadState::Running;
    idle.stack = cpu_stack(cpu);
}

void prepare_boot_idle_thread()
{
    reset_idle_thread(kBootCpu);
    Thread& idle = idle_thread.on(kBootCpu);
    idle.function = [](void*) { run_idle_thread(); };
    idle.stack_pointer = arch::first_context(idle.stack.end());
    idle.state = ThreadState::Ready;
}

void run_when_idle(IdleHook hook)
{
    idle_hook = hook;
}

void run_idle_thread()
{
    const CpuId self = this_cpu_id();
    for (;;) {
        // Masked from the look at the other CPUs to the wait: no thread runs in between, after which this CPU
        // would have to look again. A pending interrupt ends the wait all the same, so none is missed. Nor is
        // the switch to a thread that pull() has found: this CPU has sent itself an interrupt for it.
        arch::mask_interrupts();
        pull(self);
        if (preemption().due == 0) {
            if (idle_hook != nullptr)
                idle_hook(self);
            arch::wait_for_interrupt();
        }
        arch::unmask_interrupts();
        // A CPU has to take a pending interrupt at a context synchronization event only. Without one here it
        // could mask interrupts again each time, and never take any.
        arch::isb();
        if (preemption().due != 0)
            switch_if_due();
    }
}

} // namespace percival
