// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/load_balance.hpp"

#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"

namespace percival {

constinit SharedCpuSet spare_cpu_set;

namespace {

// Ticks between two searches for a CPU that has less to do.
constexpr u32 kPushTicks = 5;

// Ticks since the last search. Only the tick of its CPU uses it.
PERCIVAL_PERCPU PerCpu<u32> ticks_without_push{};

// An idle CPU with one thread in its queue is about to run that thread, so it keeps it.
bool can_spare(const RunQueue& queue) PERCIVAL_REQUIRES(queue.lock)
{
    const Thread* const running = queue.running.load(std::memory_order_relaxed);
    return queue.size() > (running != nullptr && is_idle_thread(*running) ? 1u : 0u);
}

bool is_bound_to(CpuId cpu, const Thread& thread)
{
    return thread.affinity == CpuSet::only(cpu);
}

// Returns whether all threads of `cpu`, the running one included, are bound to it.
bool all_are_bound(const RunQueue& queue, CpuId cpu) PERCIVAL_REQUIRES(queue.lock)
{
    const Thread* const running = queue.running.load(std::memory_order_relaxed);
    return (running == nullptr || is_bound_to(cpu, *running)) &&
           queue.first_that([cpu](const Thread& thread) { return !is_bound_to(cpu, thread); }) == nullptr;
}

// Takes a thread that may run on `to` off the queue of `from`. Returns null if none can be spared.
Thread* take_from(CpuId from, CpuId to)
{
    RunQueue& queue = run_queues.on(from);
    const IrqSpinGuard guard{queue.lock};
    if (!can_spare(queue)) {
        queue.offer = Offer::None;
        spare_cpu_set.remove(from);
        return nullptr;
    }
    Thread* const taken =
        queue.take_away_first_that([to](const Thread& thread) { return may_run_on(thread, to); });
    if (taken == nullptr && all_are_bound(queue, from)) {
        queue.offer = Offer::NotNeeded;
        spare_cpu_set.remove(from);
    }
    return taken;
}

// Moves a thread of `self` to a CPU that has at least two fewer; the running thread of each counts.
// Interrupts masked.
void push(CpuId self)
{
    const u32 own = run_queues.on(self).waiting();
    if (own == 0)
        return;
    bool pushed = false;
    active_cpu_set.copy().for_each([&](CpuId cpu) {
        if (pushed || cpu == self)
            return;
        const u32 load = run_queues.on(cpu).waiting() + (idle_cpu_set.contains(cpu) ? 0 : 1);
        if (load + 2 <= own + 1)
            pushed = hand_over(self, cpu); // fails if no thread here may run there
    });
}

} // namespace

void load_balance_detail::offer_if_spare(RunQueue& queue, CpuId cpu)
{
    if (!can_spare(queue))
        return;
    queue.offer = Offer::Made;
    spare_cpu_set.add(cpu);
}

void load_balance_detail::note_mobility(RunQueue& queue, CpuId cpu, const Thread& thread)
{
    if (is_bound_to(cpu, thread))
        return;
    queue.offer = Offer::None;
    load_balance_detail::offer_if_spare(queue, cpu);
}

bool hand_over(CpuId from, CpuId to)
{
    Thread* const thread = take_from(from, to);
    if (thread == nullptr)
        return false;
    thread->destination = to;
    place(*thread);
    return true;
}

void push_on_tick(CpuId self)
{
    u32& ticks = ticks_without_push.on(self);
    if (++ticks < kPushTicks)
        return;
    ticks = 0;
    push(self);
}

} // namespace percival
