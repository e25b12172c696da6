// SPDX-License-Identifier: BSD-2-Clause
// Lets CPUs begin and cease to run threads, at boot and by hotplug.
#include "kernel/sched/scheduler.hpp"

#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "mm/percpu/area.hpp"
#include "mm/vmalloc/stacks.hpp"

namespace percival {

PERCIVAL_PERCPU PerCpu<RunQueue> run_queues{};

namespace {

// Takes a thread off the queue of `cpu` and returns it, or null if the queue is empty.
Thread* take_any(CpuId cpu)
{
    RunQueue& queue = run_queues.on(cpu);
    const IrqSpinGuard guard{queue.lock};
    return queue.take_away_first_that([](const Thread&) { return true; });
}

} // namespace

void start_scheduler()
{
    const arch::InterruptMask masked;
    prepare_boot_idle_thread();
    boot_thread.name = "main";
    boot_thread.affinity = CpuSet::only(kBootCpu);
    boot_thread.slice = kSliceTicks;
    boot_thread.stack = boot_thread_stack();
    run_queues.on(kBootCpu).running.store(&boot_thread, std::memory_order_relaxed);
    active_cpu_set.add(kBootCpu);
}

void join_scheduler()
{
    const CpuId self = this_cpu_id();
    run_queues.on(self).running.store(&idle_thread.on(self), std::memory_order_relaxed);
    idle_cpu_set.add(self);
    active_cpu_set.add(self);
}

void deactivate_cpu(CpuId cpu)
{
    active_cpu_set.remove(cpu);
    // The loop ends because no thread joins the queue any more (INV-thread_placement-1).
    for (bool more = true; more;) {
        const PreemptGuard pin;
        const arch::InterruptMask masked;
        Thread* const thread = take_any(cpu);
        more = thread != nullptr;
        if (more)
            place(*thread);
    }
    request_switch(cpu);
}

bool has_no_threads(CpuId cpu)
{
    RunQueue& queue = run_queues.on(cpu);
    const IrqSpinGuard guard{queue.lock};
    return queue.size() == 0 && queue.running.load(std::memory_order_relaxed) == &idle_thread.on(cpu);
}

CpuSet active_cpus()
{
    return active_cpu_set.copy();
}

} // namespace percival
