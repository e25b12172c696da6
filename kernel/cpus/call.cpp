// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/cpus/call.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/sync/spinlock.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival {
namespace {

// A stack of calls. Other CPUs push through the global address; the owner takes all of them at once through
// its local address.
PERCIVAL_PERCPU PerCpu<Call*> interrupt_calls{};

// The calls of a Broadcast, one for each CPU. They are percpu data because 512 of them would not fit on a
// stack. The Broadcast that holds broadcast_lock owns all of them, except that a CPU that was asked sets its
// `done`. The thread-safety analysis cannot check that: the lock is held for the lifetime of an object.
PERCIVAL_PERCPU PerCpu<Call> broadcast_call{};
constinit SpinLock broadcast_lock;

void push(CpuId cpu, Call& call)
{
    const std::atomic_ref head{interrupt_calls.on(cpu)};
    Call* next = head.load(std::memory_order_relaxed);
    do {
        call.next = next;
        // Release: the CPU that takes the call sees its fields and everything the caller wrote before.
    } while (!head.compare_exchange_weak(next, &call, std::memory_order_release, std::memory_order_relaxed));
    arch::send_ipi(cpu, arch::Ipi::Call);
}

void wait_for(const Call& call)
{
    while (!call.done.load(std::memory_order_acquire))
        arch::relax();
}

} // namespace

namespace call_detail {

void call_on(CpuId cpu, Function function, void* argument)
{
    PERCIVAL_ASSERT(!arch::interrupts_masked());
    const PreemptGuard pin; // `cpu` keeps answering (INV-cpus-1)
    PERCIVAL_ASSERT(is_online(cpu));
    if (cpu == this_cpu_id()) {
        arch::InterruptMask masked;
        return function(argument);
    }
    call_by_interrupt(cpu, function, argument);
}

void call_by_interrupt(CpuId cpu, Function function, void* argument)
{
    Call call{.function = function, .argument = argument, .next = nullptr, .done = false};
    push(cpu, call);
    wait_for(call);
}

void call_on_others(Function function, void* argument)
{
    Broadcast{}.ask(function, argument);
}

} // namespace call_detail

// The thread-safety analysis follows a lock from a constructor to a destructor only in a plain guard class.
Broadcast::Broadcast() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    PERCIVAL_ASSERT(!arch::interrupts_masked());
    disable_preemption();
    broadcast_lock.lock();
}

Broadcast::~Broadcast() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    asked_.for_each([](CpuId cpu) { wait_for(broadcast_call.on(cpu)); });
    broadcast_lock.unlock();
    enable_preemption();
}

void Broadcast::ask(void (*function)(void*), void* argument)
{
    for_each_online_cpu([this](CpuId cpu) { asked_.add(cpu); });
    asked_.remove(this_cpu_id());
    asked_.for_each([=](CpuId cpu) {
        Call& call = broadcast_call.on(cpu);
        call.function = function;
        call.argument = argument;
        call.done.store(false, std::memory_order_relaxed);
        push(cpu, call);
    });
}

void run_queued_calls()
{
    Call* call = interrupt_calls.xchg(nullptr);
    // Acquire, paired with the release in push(): the exchange itself is relaxed.
    std::atomic_thread_fence(std::memory_order_acquire);
    while (call != nullptr) {
        Call* next = call->next; // read before done is set: the caller may reuse the call from then on
        call->function(call->argument);
        call->done.store(true, std::memory_order_release);
        call = next;
    }
}

} // namespace percival
