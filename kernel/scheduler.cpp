// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/scheduler.hpp"

#include "arch/context_switch.hpp"
#include "arch/interrupt_controller.hpp"
#include "arch/processor.hpp"
#include "kernel/assert.hpp"
#include "kernel/cpus.hpp"
#include "kernel/hotplug.hpp"
#include "kernel/rcu.hpp"
#include "kernel/ready_threads.hpp"
#include "kernel/stacks.hpp"
#include "kernel/tick.hpp"
#include "kernel/timers.hpp"

namespace percival {
namespace {

struct CpuQueue {
    UncheckedSpinLock lock; // one thread takes it and the next one gives it back
    ReadyThreads<Thread> ready;
    std::atomic<Thread*> running{nullptr};
    std::atomic<u32> waiting{0}; // ready.size(), for those who look without the lock
    std::atomic<u64> switches{0};
    u32 ticks_to_push{0};
};

PERCIVAL_PERCPU PerCpu<CpuQueue> queues{};

// CPUs that take threads, and those of them that run none.
constinit SharedCpuSet active;
constinit SharedCpuSet idle_cpus;

// Ticks between two looks for a CPU that has less to do.
constexpr u32 kPushTicks = 5;

Thread& idle_thread_of(CpuId cpu)
{
    return idle_thread.on(cpu);
}

bool is_idle_thread(const Thread& thread)
{
    return thread.priority == Priority::Idle;
}

CpuId cpu_of(const Thread& thread)
{
    return CpuId{thread.cpu.load(std::memory_order_relaxed)};
}

// Why the running thread stops running.
enum class Leave : u8 { Preempted, Yields, Blocks, Exits };

void add_ready(CpuQueue& queue, Thread& thread, bool at_front) PERCIVAL_REQUIRES(queue.lock)
{
    thread.state = ThreadState::Ready;
    if (at_front)
        queue.ready.push_front(thread);
    else
        queue.ready.push_back(thread);
    queue.waiting.store(queue.ready.size(), std::memory_order_relaxed);
}

void remove_ready(CpuQueue& queue, Thread& thread) PERCIVAL_REQUIRES(queue.lock)
{
    queue.ready.remove(thread);
    queue.waiting.store(queue.ready.size(), std::memory_order_relaxed);
}

// Where the thread may run now: what it asked for, or anywhere if that takes no threads.
bool may_run_on(const Thread& thread, CpuId cpu)
{
    if (!active.contains(cpu))
        return false;
    return thread.affinity.contains(cpu) || (thread.affinity & active.copy()).empty();
}

CpuSet allowed_cpus(const Thread& thread)
{
    const CpuSet all = active.copy();
    const CpuSet asked_for = thread.affinity & all;
    return asked_for.empty() ? all : asked_for;
}

// The CPU a thread should be queued on: where it was if that is idle, else one that is, else the one with the
// shortest queue.
CpuId choose_cpu(const Thread& thread)
{
    if (thread.destination && may_run_on(thread, *thread.destination))
        return *thread.destination;
    const CpuId before = cpu_of(thread);
    if (idle_cpus.contains(before) && may_run_on(thread, before))
        return before;
    const CpuSet allowed = allowed_cpus(thread);
    if (const auto idle = (allowed & idle_cpus.copy()).first_from(before))
        return *idle;
    CpuId best = allowed.contains(before) ? before : allowed.first().value_or(before);
    allowed.for_each([&best](CpuId cpu) {
        if (queues.on(cpu).waiting.load(std::memory_order_relaxed) <
            queues.on(best).waiting.load(std::memory_order_relaxed))
            best = cpu;
    });
    return best;
}

// Sees to it that a CPU whose queue the thread has joined takes notice. Interrupts masked.
void notify(CpuQueue& queue, CpuId cpu, const Thread& thread) PERCIVAL_REQUIRES(queue.lock)
{
    const Thread* const running = queue.running.load(std::memory_order_relaxed);
    if (running != nullptr && thread.priority <= running->priority)
        return;
    request_switch(cpu);
}

// Queues a thread that the caller owns (state Moving). Interrupts masked, no lock held.
void place(Thread& thread)
{
    for (;;) {
        const CpuId target = choose_cpu(thread);
        const CpuId before = cpu_of(thread);
        thread.cpu.store(target.index(), std::memory_order_relaxed);
        CpuQueue& queue = queues.on(target);
        queue.lock.lock();
        // Under the lock, so that no change of its affinity, and no CPU that goes away, is missed.
        if (may_run_on(thread, target)) {
            thread.destination.reset();
            if (target != before)
                ++thread.migrations;
            add_ready(queue, thread, false);
            notify(queue, target, thread);
            queue.lock.unlock();
            return;
        }
        queue.lock.unlock();
    }
}

// The queue a thread belongs to, locked. Interrupts masked. The analysis cannot name a lock that is found out.
CpuQueue& lock_queue_of(const Thread& thread) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    for (;;) {
        const CpuId cpu = cpu_of(thread);
        CpuQueue& queue = queues.on(cpu);
        queue.lock.lock();
        if (cpu_of(thread) == cpu)
            return queue;
        queue.lock.unlock();
    }
}

// What becomes of a thread that stops running. False: it goes on, it was woken meanwhile.
bool retire(CpuQueue& queue, CpuId self, Thread& thread, Leave why) PERCIVAL_REQUIRES(queue.lock)
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
    } else {
        add_ready(queue, thread, why == Leave::Preempted && thread.slice != 0);
    }
    return true;
}

Thread& take_next(CpuQueue& queue, CpuId self) PERCIVAL_REQUIRES(queue.lock)
{
    Thread* next = queue.ready.highest();
    if (next == nullptr)
        return idle_thread_of(self);
    remove_ready(queue, *next);
    if (next->slice == 0)
        next->slice = kSliceTicks;
    return *next;
}

// What the thread that comes in does for the one that went out. Interrupts masked; the queue of this CPU,
// whichever it is by now, is locked (INV-scheduler-1).
void finish_switch(Thread& before) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const ThreadState state = before.state;
    queues.on(this_cpu_id()).lock.unlock();
    // Moving and Exited threads are nobody else's yet; any other may be running elsewhere by now.
    if (state == ThreadState::Moving)
        place(before);
    else if (state == ThreadState::Exited)
        before.exited.complete();
}

void note_idle(CpuId self, const Thread& before, const Thread& next)
{
    if (is_idle_thread(next))
        idle_cpus.add(self);
    else if (is_idle_thread(before))
        idle_cpus.remove(self);
    if (is_idle_thread(before) != is_idle_thread(next))
        program_alarm();
}

// Interrupts masked. Returns when the calling thread runs again.
void switch_threads(Leave why) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    Thread& before = current_thread();
    const CpuId self = this_cpu_id();
    rcu::note_quiescent_state();
    CpuQueue& queue = queues.on(self);
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
    queue.switches.fetch_add(1, std::memory_order_relaxed);
    note_idle(self, before, next);
    Preemption* const thread_pointer = &next;
    finish_switch(*static_cast<Thread*>(
        arch::switch_context(&before.stack_pointer, next.stack_pointer, thread_pointer, &before)));
}

void leave(Leave why)
{
    PERCIVAL_ASSERT(preemption().count == 0);
    PERCIVAL_ASSERT(!arch::interrupts_masked());
    const arch::InterruptMask masked;
    switch_threads(why);
}

// Takes a thread from `victim` that may run on `self`. Interrupts masked.
bool pull_from(CpuId victim, CpuId self)
{
    CpuQueue& queue = queues.on(victim);
    Thread* thread;
    {
        const arch::InterruptMask masked;
        const PinnedSpinGuard guard{queue.lock, Pin{masked}};
        // What an idle CPU is about to run stays there.
        const Thread* const running = queue.running.load(std::memory_order_relaxed);
        if (queue.ready.size() <= (running != nullptr && is_idle_thread(*running) ? 1u : 0u))
            return false;
        thread = queue.ready.highest_that([self](const Thread& t) { return may_run_on(t, self); });
        if (thread == nullptr)
            return false;
        remove_ready(queue, *thread);
        thread->state = ThreadState::Moving;
    }
    thread->destination = self;
    place(*thread);
    return true;
}

// For the idle thread.
void pull()
{
    const PreemptGuard pin;
    const arch::InterruptMask masked;
    const CpuId self = this_cpu_id();
    const CpuSet others = active.copy();
    if (!others.contains(self))
        return;
    bool done = false;
    others.for_each([&](CpuId cpu) {
        if (!done && cpu != self && queues.on(cpu).waiting.load(std::memory_order_relaxed) != 0)
            done = pull_from(cpu, self);
    });
}

// For the tick: hands a thread to a CPU that has at least two fewer. Interrupts masked.
void push(CpuQueue& queue, CpuId self)
{
    const u32 own = queue.waiting.load(std::memory_order_relaxed);
    if (own == 0)
        return;
    std::optional<CpuId> target;
    active.copy().for_each([&](CpuId cpu) {
        const u32 load =
            queues.on(cpu).waiting.load(std::memory_order_relaxed) + (idle_cpus.contains(cpu) ? 0 : 1);
        if (!target && cpu != self && load + 2 <= own + 1)
            target = cpu;
    });
    if (target)
        static_cast<void>(pull_from(self, *target));
}

} // namespace

void block()
{
    leave(Leave::Blocks);
}

void yield()
{
    current_thread().slice = 0;
    leave(Leave::Yields);
}

void wake(Thread& thread) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const PreemptGuard pin;
    const arch::InterruptMask masked;
    CpuQueue& queue = lock_queue_of(thread);
    if (thread.state != ThreadState::Blocked) {
        thread.wake_pending = true;
        queue.lock.unlock();
        return;
    }
    const CpuId cpu = cpu_of(thread);
    if (choose_cpu(thread) == cpu && may_run_on(thread, cpu)) {
        add_ready(queue, thread, false);
        notify(queue, cpu, thread);
        queue.lock.unlock();
        return;
    }
    thread.state = ThreadState::Moving;
    queue.lock.unlock();
    place(thread);
}

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

void set_affinity(Thread& thread, const CpuSet& cpus) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    {
        const PreemptGuard pin;
        const arch::InterruptMask masked;
        CpuQueue& queue = lock_queue_of(thread);
        thread.affinity = cpus;
        const CpuId cpu = cpu_of(thread);
        const bool moves = thread.state == ThreadState::Ready && !may_run_on(thread, cpu);
        if (moves) {
            remove_ready(queue, thread);
            thread.state = ThreadState::Moving;
        } else if (thread.state == ThreadState::Running && !may_run_on(thread, cpu)) {
            request_switch(cpu);
        }
        queue.lock.unlock();
        if (moves)
            place(thread);
    }
    // Preemption of the caller itself is due now, and has happened unless it could not.
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

void sleep_for_nanoseconds(u64 nanoseconds)
{
    Completion over;
    Timer timer{[](void* completion) { static_cast<Completion*>(completion)->complete(); }, &over};
    start_timer(timer, nanoseconds);
    over.wait();
    cancel_timer(timer);
}

CpuSet active_cpus()
{
    return active.copy();
}

u64 switch_count(CpuId cpu)
{
    return queues.on(cpu).switches.load(std::memory_order_relaxed);
}

void request_switch(CpuId cpu)
{
    const PreemptGuard pin;
    if (cpu == this_cpu_id())
        preemption().due = 1;
    else
        arch::send_ipi(cpu, arch::Ipi::Reschedule);
}

void make_switch_due()
{
    preemption().due = 1;
}

void move_interrupted_thread(CpuId cpu)
{
    Thread& interrupted = current_thread();
    if (is_idle_thread(interrupted) || !may_run_on(interrupted, cpu))
        return;
    interrupted.destination = cpu;
    interrupted.due = 1;
}

void switch_at_interrupt_return()
{
    Preemption& own = preemption();
    if (own.count == 0 && own.due != 0)
        switch_threads(Leave::Preempted);
}

void switch_if_due()
{
    if (preemption().count != 0)
        return; // whoever ends the last reason comes here again
    if (arch::interrupts_masked()) {
        // The switch comes with the interrupt, when they are unmasked.
        arch::send_ipi(this_cpu_id(), arch::Ipi::Reschedule);
        return;
    }
    const arch::InterruptMask masked;
    if (preemption().due != 0)
        switch_threads(Leave::Preempted);
}

void scheduler_tick()
{
    Thread& running = current_thread();
    if (is_idle_thread(running))
        return;
    const CpuId self = this_cpu_id();
    CpuQueue& queue = queues.on(self);
    if (++queue.ticks_to_push >= kPushTicks) {
        queue.ticks_to_push = 0;
        push(queue, self);
    }
    // It is a guest here, and a CPU it asked for is back.
    if (!may_run_on(running, self))
        running.due = 1;
    if (running.slice != 0 && --running.slice != 0)
        return;
    if (queue.waiting.load(std::memory_order_relaxed) != 0)
        running.due = 1;
    else
        running.slice = kSliceTicks;
}

bool this_cpu_is_idle()
{
    return is_idle_thread(current_thread());
}

// Whoever holds the queue's lock sees the CPU gone from now on, so no thread joins it any more.
void deactivate_cpu(CpuId cpu)
{
    CpuQueue& queue = queues.on(cpu);
    active.remove(cpu);
    for (;;) {
        Thread* thread;
        {
            const arch::InterruptMask masked;
            const PinnedSpinGuard guard{queue.lock, Pin{masked}};
            thread = queue.ready.highest();
            if (thread == nullptr)
                break;
            remove_ready(queue, *thread);
            thread->state = ThreadState::Moving;
        }
        const PreemptGuard pin;
        const arch::InterruptMask masked;
        place(*thread);
    }
    request_switch(cpu);
}

bool has_no_threads(CpuId cpu)
{
    CpuQueue& queue = queues.on(cpu);
    const IrqSpinGuard guard{queue.lock};
    return queue.ready.size() == 0 && queue.running.load(std::memory_order_relaxed) == &idle_thread_of(cpu);
}

void reset_idle_thread(CpuId cpu)
{
    Thread& idle = idle_thread_of(cpu);
    idle.count = 0;
    idle.due = 0;
    idle.priority = Priority::Idle;
    idle.name = "idle";
    idle.affinity = CpuSet::only(cpu);
    idle.cpu.store(cpu.index(), std::memory_order_relaxed);
    idle.state = ThreadState::Running;
    idle.stack = cpu_stack(cpu);
}

void join_scheduler()
{
    const CpuId self = this_cpu_id();
    queues.on(self).running.store(&idle_thread_of(self), std::memory_order_relaxed);
    idle_cpus.add(self);
    active.add(self);
}

void run_idle_thread()
{
    const CpuId self = this_cpu_id();
    for (;;) {
        arch::unmask_interrupts();
        pull();
        switch_if_due();
        arch::mask_interrupts();
        // It wakes for a pending interrupt although that is masked, so none is missed.
        if (preemption().due == 0) {
            leave_if_asked(self);
            arch::wait_for_interrupt();
        }
    }
}

namespace {

// The boot CPU's idle thread, the first time it runs.
void begin_idle(void*)
{
    arch::mask_interrupts();
    run_idle_thread();
}

} // namespace

void start_scheduler()
{
    const arch::InterruptMask masked;
    reset_idle_thread(kBootCpu);
    Thread& idle = idle_thread_of(kBootCpu);
    idle.function = begin_idle;
    idle.stack_pointer = arch::first_context(idle.stack.end());
    idle.state = ThreadState::Ready;
    boot_thread.name = "main";
    boot_thread.affinity = CpuSet::only(kBootCpu);
    boot_thread.slice = kSliceTicks;
    boot_thread.stack = boot_thread_stack();
    queues.on(kBootCpu).running.store(&boot_thread, std::memory_order_relaxed);
    active.add(kBootCpu);
}

namespace thread_detail {

// The first of a new thread, in the place of switch_threads()'s end. arch/arm64/context_switch.S
extern "C" [[noreturn]] void begin_thread(Thread* before)
{
    finish_switch(*before);
    arch::unmask_interrupts();
    Thread& self = current_thread();
    self.function(self.argument);
    leave(Leave::Exits);
    __builtin_unreachable();
}

void make_ready(Thread& thread)
{
    const PreemptGuard pin;
    const arch::InterruptMask masked;
    thread.state = ThreadState::Moving;
    thread.cpu.store(choose_cpu(thread).index(), std::memory_order_relaxed);
    place(thread);
}

} // namespace thread_detail

} // namespace percival
