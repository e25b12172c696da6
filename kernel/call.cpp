// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/call.hpp"

#include "arch/barrier.hpp"
#include "arch/interrupt_controller.hpp"
#include "arch/processor.hpp"
#include "kernel/assert.hpp"
#include "kernel/cpus.hpp"
#include "kernel/spinlock.hpp"
#include "mm/percpu.hpp"

namespace percival {
namespace {

// Stacks of calls: others push at the CPU's global address, the CPU takes all at once at its local one.
PERCIVAL_PERCPU PerCpu<Call*> interrupt_calls{};
PERCIVAL_PERCPU PerCpu<Call*> idle_calls{};

// One call per CPU for those that go to all: 512 of them would not fit on a stack.
PERCIVAL_PERCPU PerCpu<Call> broadcast_call{};
constinit SpinLock broadcast_lock;

constinit std::atomic<u32> held{0};
constinit std::atomic<bool> release{false};

void push(PerCpu<Call*>& queue, CpuId cpu, Call& call)
{
    Call*& head = queue.on(cpu);
    Call* next = __atomic_load_n(&head, __ATOMIC_RELAXED);
    do {
        call.next = next;
        // Release: the taker sees the call's fields, and what the caller wrote before.
    } while (!__atomic_compare_exchange_n(&head, &next, &call, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    arch::send_ipi(cpu, arch::Ipi::Call);
}

void run_all(PerCpu<Call*>& queue)
{
    Call* call = queue.xchg(nullptr);
    // The exchange is relaxed; acquire what the pushers released.
    std::atomic_thread_fence(std::memory_order_acquire);
    while (call != nullptr) {
        Call* next = call->next; // read first: the caller may reuse the call once it is done
        call->function(call->argument);
        call->done.store(true, std::memory_order_release);
        call = next;
    }
}

void wait_for(const Call& call)
{
    while (!call.done.load(std::memory_order_acquire))
        arch::relax();
}

template <class Visit>
void for_each_other_cpu(Visit visit)
{
    const CpuId self = this_cpu_id();
    for_each_online_cpu([self, visit](CpuId cpu) {
        if (cpu != self)
            visit(cpu);
    });
}

// Broadcasts share their calls, so there is one at a time: from start_broadcast() to finish_broadcast().
void start_broadcast(PerCpu<Call*>& queue, call_detail::Function function, void* argument)
    PERCIVAL_ACQUIRE(broadcast_lock)
{
    PERCIVAL_ASSERT(!arch::interrupts_masked());
    broadcast_lock.lock();
    for_each_other_cpu([&](CpuId cpu) {
        Call& call = broadcast_call.on(cpu);
        call.function = function;
        call.argument = argument;
        call.done.store(false, std::memory_order_relaxed);
        push(queue, cpu, call);
    });
}

void finish_broadcast() PERCIVAL_RELEASE(broadcast_lock)
{
    for_each_other_cpu([](CpuId cpu) { wait_for(broadcast_call.on(cpu)); });
    broadcast_lock.unlock();
}

void hold(void*)
{
    held.fetch_add(1, std::memory_order_relaxed);
    while (!release.load(std::memory_order_acquire))
        arch::relax();
    arch::isb(); // what is executed next may have been patched meanwhile
}

} // namespace

namespace call_detail {

void call_on(CpuId cpu, Function function, void* argument)
{
    PERCIVAL_ASSERT(!arch::interrupts_masked());
    PERCIVAL_ASSERT(is_online(cpu));
    if (cpu == this_cpu_id()) {
        arch::InterruptMask masked;
        return function(argument);
    }
    Call call{.function = function, .argument = argument, .next = nullptr, .done = false};
    push(interrupt_calls, cpu, call);
    wait_for(call);
}

void call_on_others(Function function, void* argument)
{
    start_broadcast(interrupt_calls, function, argument);
    finish_broadcast();
}

void run_everywhere(Function function, void* argument)
{
    start_broadcast(idle_calls, function, argument);
    function(argument);
    finish_broadcast();
}

} // namespace call_detail

// The thread-safety analysis does not follow a lock across a constructor and a destructor of a class that is
// no plain guard.
WhileOthersAreHeld::WhileOthersAreHeld() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    held.store(0, std::memory_order_relaxed);
    release.store(false, std::memory_order_relaxed);
    start_broadcast(interrupt_calls, &hold, nullptr);
    while (held.load(std::memory_order_relaxed) != online_cpu_count() - 1)
        arch::relax();
}

WhileOthersAreHeld::~WhileOthersAreHeld() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    release.store(true, std::memory_order_release);
    finish_broadcast();
}

void run_queued_calls()
{
    run_all(interrupt_calls);
}

bool has_idle_work()
{
    return idle_calls.read() != nullptr;
}

void run_idle_work()
{
    run_all(idle_calls);
}

} // namespace percival
