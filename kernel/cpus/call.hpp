// SPDX-License-Identifier: BSD-2-Clause
// Running a function on other CPUs.
//
//   call_on(cpu, f)          f runs in cpu's interrupt handler, interrupts masked; returns when it has
//   call_on_others(f)        the same on every other online CPU at once
//   Broadcast                the same in two steps, for a caller that does something in between
//
// kernel/wait/run_everywhere.hpp runs a function in a thread of each CPU, kernel/wait/stop_machine.hpp stops
// the other CPUs.
//
// Callers have interrupts unmasked (checked), or two CPUs that call each other would wait for ever; interrupt
// handlers do not call. What the caller wrote before is visible to f, and what f wrote is visible to the
// caller after.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "kernel/lib/types.hpp"
#include "mm/percpu/area.hpp"

#include <atomic>
#include <memory>
#include <type_traits>

namespace percival {

// One function waiting to run on one CPU. Lives until `done`.
struct Call {
    void (*function)(void*){nullptr};
    void* argument{nullptr};
    Call* next{nullptr};
    std::atomic<bool> done{false};
};

namespace call_detail {

using Function = void (*)(void*);

void call_on(CpuId cpu, Function function, void* argument);
// By an interrupt even if `cpu` is the caller's. Preemption off, or on that CPU alone.
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

// Asks every other CPU that is online, and waits for exactly these when it ends: a CPU that comes online
// meanwhile is neither asked nor waited for. There is one Broadcast at a time, and preemption is off while it
// lives, so the CPUs asked stay online and the lock's holder runs. Interrupts unmasked (checked).
class Broadcast : Immovable {
public:
    Broadcast();
    ~Broadcast();

    // Once.
    void ask(void (*function)(void*), void* argument);
    const CpuSet& asked() const { return asked_; }

private:
    CpuSet asked_;
};

// The Ipi::Call handler.
void run_queued_calls();

} // namespace percival
