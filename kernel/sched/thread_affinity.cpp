// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/thread_affinity.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/load_balance.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "mm/percpu/area.hpp"

namespace percival {

bool migrate_to(CpuId cpu)
{
    Thread& self = current_thread();
    if (!may_run_on(self, cpu))
        return false;
    PERCIVAL_ASSERT(self.count == 0);
    PERCIVAL_ASSERT(!arch::interrupts_masked());
    const arch::InterruptMask masked;
    if (this_cpu_id() == cpu)
        return true;
    self.destination = cpu;
    switch_threads(Leave::Yields);
    return true;
}

void move_interrupted_thread(CpuId cpu)
{
    Thread& interrupted = current_thread();
    if (is_idle_thread(interrupted) || !may_run_on(interrupted, cpu))
        return;
    interrupted.destination = cpu;
    interrupted.due = 1;
}

// Clang cannot name the lock: it is chosen at run time by lock_queue_of(). If the calling thread itself must
// move, the switch is due when the two guards end, so it has happened at the return unless the thread cannot
// be switched.
void set_affinity(Thread& thread, const CpuSet& cpus) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const PreemptGuard pin;
    const arch::InterruptMask masked;
    RunQueue& queue = lock_queue_of(thread);
    thread.affinity = cpus;
    const CpuId cpu = cpu_of(thread);
    const bool must_move = !may_run_on(thread, cpu);
    const bool moves = must_move && thread.state == ThreadState::Ready;
    if (moves)
        queue.take_away(thread);
    if (must_move && thread.state == ThreadState::Running)
        request_switch(cpu);
    // Also for a thread that must move: it stays if no CPU of its set is left when the switch comes.
    if (!moves && (thread.state == ThreadState::Ready || thread.state == ThreadState::Running))
        note_mobility(queue, cpu, thread);
    queue.lock.unlock();
    if (moves)
        place(thread);
}

StayOnCpu::StayOnCpu() : before_{current_thread().affinity}
{
    const PreemptGuard pin;
    cpu_ = this_cpu_id();
    set_affinity(current_thread(), CpuSet::only(cpu_));
}

StayOnCpu::~StayOnCpu()
{
    set_affinity(current_thread(), before_);
}

} // namespace percival
