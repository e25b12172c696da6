// SPDX-License-Identifier: BSD-2-Clause
// Running a function on other CPUs.
//
//   call_on(cpu, f)       runs f in an interrupt handler of `cpu`, interrupts masked, and waits for its end
//   call_on_others(f)     does so on every other online CPU at once
//   Broadcast             does so in two steps, for a caller that does something in between
//
// kernel/wait/run_everywhere.hpp runs a function in a thread of each CPU. kernel/wait/stop_machine.hpp stops
// the other CPUs.
//
// The caller has interrupts unmasked (checked): otherwise two CPUs that call each other would wait for ever.
// Interrupt handlers therefore do not call. f sees everything the caller wrote before the call, and the
// caller sees everything f wrote once the call returns.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "kernel/lib/types.hpp"
#include "mm/percpu/area.hpp"

#include <atomic>
#include <memory>
#include <type_traits>

namespace percival {

// A function that waits to run on one CPU. The caller keeps it alive until `done` is true.
struct Call {
    void (*function)(void*){nullptr};
    void* argument{nullptr};
    Call* next{nullptr};
    std::atomic<bool> done{false};
};

namespace call_detail {

using Function = void (*)(void*);

void call_on(CpuId cpu, Function function, void* argument);
// Sends an interrupt even if `cpu` is the caller's own CPU. The caller has preemption off, or may run on
// `cpu` only.
void call_by_interrupt(CpuId cpu, Function function, void* argument);
void call_on_others(Function function, void* argument);

template <class F>
void invoke(void* f)
{
    (*static_cast<std::remove_reference_t<F>*>(f))();
}

template <class F>
void* erase(F& f)
{
    return const_cast<void*>(static_cast<const volatile void*>(std::addressof(f)));
}

} // namespace call_detail

template <class F>
void call_on(CpuId cpu, F&& f)
{
    call_detail::call_on(cpu, &call_detail::invoke<F>, call_detail::erase(f));
}

template <class F>
void call_on_others(F&& f)
{
    call_detail::call_on_others(&call_detail::invoke<F>, call_detail::erase(f));
}

// Asks every other online CPU to run a function. The destructor waits for exactly the CPUs that were asked: a
// CPU that comes online meanwhile is neither asked nor waited for. Only one Broadcast exists at a time; the
// constructor waits for an earlier one. Preemption is off while it lives, so the CPUs asked keep answering
// (INV-cpus-1) and the holder of the lock keeps running. The caller has interrupts unmasked (checked).
class Broadcast : Immovable {
public:
    Broadcast();
    ~Broadcast();

    // Sends the request and returns without waiting. Called at most once.
    void ask(void (*function)(void*), void* argument);
    const CpuSet& asked() const { return asked_; }

private:
    CpuSet asked_;
};

// Handles Ipi::Call: runs every function queued for this CPU. Interrupts masked.
void run_queued_calls();

} // namespace percival
