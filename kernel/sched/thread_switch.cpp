// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/thread_switch.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/threads/context_switch.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/load_balance.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/sync/rcu.hpp"
#include "mm/percpu/area.hpp"

namespace percival {
namespace {

// Gives a thread that stops running its next state and place (INV-run_queue-1). Returns false if it has to go
// on running, because it was woken before it could block.
bool retire(RunQueue& queue, CpuId self, Thread& thread, Leave why) PERCIVAL_REQUIRES(queue.lock)
{
    if (why == Leave::Blocks) {
        if (thread.wake_pending) {
            thread.wake_pending = false;
            return false;
        }
        thread.state = ThreadState::Blocked;
    } else if (why == Leave::Exits) {
        thread.state = ThreadState::Exited;
    } else if (is_idle_thread(thread)) {
        thread.state = ThreadState::Ready; // on no queue: it runs when the queue is empty
    } else if (thread.destination || !may_run_on(thread, self)) {
        thread.state = ThreadState::Moving;
    } else if (why == Leave::Preempted && thread.slice != 0) {
        queue.push_front(thread);
        offer_if_spare(queue, self);
    } else {
        queue.push_back(thread);
        offer_if_spare(queue, self);
    }
    return true;
}

Thread& take_next(RunQueue& queue, CpuId self) PERCIVAL_REQUIRES(queue.lock)
{
    Thread* const next = queue.take_highest();
    if (next == nullptr)
        return idle_thread.on(self);
    if (next->slice == 0)
        next->slice = kSliceTicks;
    return *next;
}

// Finishes the switch on behalf of `before`, the outgoing thread. Runs in the incoming thread, interrupts
// masked. The queue of the current CPU is locked on entry and unlocked here (INV-scheduler-1). That CPU may
// differ from the one on which the incoming thread last ran.
void finish_switch(Thread& before) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const ThreadState state = before.state;
    run_queues.here_while_masked().lock.unlock();
    // A thread that is Moving or Exited is still ours; any other may be running on another CPU by now.
    if (state == ThreadState::Moving)
        place(before);
    else if (state == ThreadState::Exited)
        before.exited.complete();
}

// Keeps idle_cpu_set and the alarm in step when this CPU becomes idle or ceases to be. A CPU has one idle
// thread, so it does not switch from an idle thread to another.
void note_idle(CpuId self, const Thread& before, const Thread& next)
{
    if (is_idle_thread(next))
        idle_cpu_set.add(self);
    else if (is_idle_thread(before))
        idle_cpu_set.remove(self);
    else
        return;
    program_alarm();
}

// Switches away from a thread that gives up its CPU itself.
void leave(Leave why)
{
    PERCIVAL_ASSERT(preemption().count == 0);
    const arch::InterruptMask masked;
    PERCIVAL_ASSERT(!masked.interrupts_were_masked());
    switch_threads(why);
}

} // namespace

// Clang cannot follow the lock: the incoming thread gives it back.
void switch_threads(Leave why) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    Thread& before = current_thread();
    const CpuId self = this_cpu_id();
    rcu::note_quiescent_state();
    RunQueue& queue = run_queues.here_while_masked();
    queue.lock.lock();
    before.due = 0;
    if (!retire(queue, self, before, why)) {
        queue.lock.unlock();
        return;
    }
    Thread& next = take_next(queue, self);
    next.state = ThreadState::Running;
    if (&next == &before) {
        queue.lock.unlock();
        return;
    }
    queue.running.store(&next, std::memory_order_relaxed);
    note_idle(self, before, next);
    Preemption* const thread_pointer = &next;
    finish_switch(*static_cast<Thread*>(
        arch::switch_context(&before.stack_pointer, next.stack_pointer, thread_pointer, &before)));
}

// Is where a new thread begins, in place of the end of switch_threads(). Called by
// arch/arm64/threads/context_switch.S.
extern "C" [[noreturn]] void begin_thread(Thread* before)
{
    finish_switch(*before);
    arch::unmask_thread_exceptions(); // the switch may have come from an exception handler
    Thread& self = current_thread();
    self.function(self.argument);
    leave(Leave::Exits);
    __builtin_unreachable();
}

void block()
{
    leave(Leave::Blocks);
}

void yield()
{
    current_thread().slice = 0;
    leave(Leave::Yields);
}

void sleep_for_nanoseconds(u64 nanoseconds)
{
    Completion over;
    Timer timer{[](void* completion) { static_cast<Completion*>(completion)->complete(); }, &over};
    timer.start(nanoseconds);
    over.wait();
    timer.cancel();
}

} // namespace percival
