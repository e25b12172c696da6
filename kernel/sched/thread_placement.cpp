// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/thread_placement.hpp"

#include "kernel/sched/load_balance.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/thread.hpp"

namespace percival {

constinit SharedCpuSet active_cpu_set;
constinit SharedCpuSet idle_cpu_set;

namespace {

// Returns the CPUs on which the thread may run now (may_run_on()).
CpuSet allowed_cpus(const Thread& thread)
{
    const CpuSet all = active_cpu_set.copy();
    const CpuSet asked_for = thread.affinity & all;
    return asked_for.empty() ? all : asked_for;
}

// Returns the CPU whose queue the thread should join. It is a hint: the caller checks it under the queue's
// lock.
CpuId choose_cpu(const Thread& thread)
{
    if (thread.destination && may_run_on(thread, *thread.destination))
        return *thread.destination;
    const CpuId before = cpu_of(thread);
    if (idle_cpu_set.contains(before) && may_run_on(thread, before))
        return before;
    const CpuSet allowed = allowed_cpus(thread);
    if (const auto idle = (allowed & idle_cpu_set.copy()).first_from(before))
        return *idle;
    CpuId best = allowed.contains(before) ? before : allowed.first().value_or(before);
    allowed.for_each([&best](CpuId cpu) {
        if (run_queues.on(cpu).waiting() < run_queues.on(best).waiting())
            best = cpu;
    });
    return best;
}

// Makes a thread that is Moving belong to the queue of `target`, which it has yet to join. Whoever has locked
// the queue of `before`, to wake the thread or to change its affinity, comes first (INV-thread-1). Interrupts
// masked.
void set_cpu(Thread& thread, CpuId before, CpuId target)
{
    RunQueue& queue = run_queues.on(before);
    queue.lock.lock();
    thread.cpu.store(target.index(), std::memory_order_relaxed);
    queue.lock.unlock();
}

// Puts a thread on the queue of `cpu`, and requests a switch there if the thread should run at once.
// Interrupts masked.
void join_queue(RunQueue& queue, CpuId cpu, Thread& thread) PERCIVAL_REQUIRES(queue.lock)
{
    queue.push_back(thread);
    offer_if_spare(queue, cpu);
    note_mobility(queue, cpu, thread);
    const Thread* const running = queue.running.load(std::memory_order_relaxed);
    if (running == nullptr || thread.priority > running->priority)
        request_switch(cpu);
}

} // namespace

void place(Thread& thread)
{
    for (;;) {
        const CpuId target = choose_cpu(thread);
        const CpuId before = cpu_of(thread);
        if (target != before)
            set_cpu(thread, before, target);
        RunQueue& queue = run_queues.on(target);
        queue.lock.lock();
        if (may_run_on(thread, target)) { // INV-thread_placement-1
            thread.destination.reset();
            if (target != before)
                ++thread.migrations;
            join_queue(queue, target, thread);
            queue.lock.unlock();
            return;
        }
        queue.lock.unlock();
    }
}

// Clang cannot name the lock: it is chosen at run time by lock_queue_of().
void wake(Thread& thread) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const PreemptGuard pin;
    const arch::InterruptMask masked;
    RunQueue& queue = lock_queue_of(thread);
    if (thread.state != ThreadState::Blocked) {
        thread.wake_pending = true;
        queue.lock.unlock();
        return;
    }
    const CpuId cpu = cpu_of(thread);
    if (choose_cpu(thread) == cpu && may_run_on(thread, cpu)) {
        join_queue(queue, cpu, thread);
        queue.lock.unlock();
        return;
    }
    thread.state = ThreadState::Moving;
    queue.lock.unlock();
    place(thread);
}

void thread_detail::make_ready(Thread& thread)
{
    const PreemptGuard pin;
    const arch::InterruptMask masked;
    thread.state = ThreadState::Moving;
    thread.cpu.store(choose_cpu(thread).index(), std::memory_order_relaxed);
    place(thread);
}

} // namespace percival
