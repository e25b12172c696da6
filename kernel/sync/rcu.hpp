// SPDX-License-Identifier: BSD-2-Clause
// Read-copy-update: readers follow a pointer without a lock. A writer that has replaced the object behind the
// pointer waits until no reader can still use the old one, and then frees it.
//
//      {                                                   // reader: any context
//          const rcu::ReadGuard reading;
//          use(*rcu::load(table));
//      }
//      Table* old = rcu::replace(table, renewed);          // writer, excluding other writers
//      rcu::synchronize();                                 // blocks
//      mm::destroy(old);
//
// A reader has preemption off, or interrupts masked; it pays for nothing else. A CPU that switches threads,
// or takes an interrupt in code with preemption on, is therefore in no reader at that moment: every reader
// that was under way there has ended. synchronize() asks every other CPU for such a moment.
#pragma once

#include "kernel/sync/preemption.hpp"

#include <atomic>

namespace percival::rcu {

using ReadGuard = PreemptGuard;

// Loads a pointer for a reader, who then sees everything that the writer stored before replace().
template <class T>
T* load(const std::atomic<T*>& pointer)
{
    return pointer.load(std::memory_order_acquire);
}
// Publishes `renewed` and returns the old pointer. The caller excludes other writers.
template <class T>
T* replace(std::atomic<T*>& pointer, T* renewed)
{
    return pointer.exchange(renewed, std::memory_order_acq_rel);
}

// Returns when every reader that began before the call has ended. Blocks.
void synchronize();

// A function that call() runs later. The caller keeps it alive until then.
struct Callback {
    Callback* next{nullptr};
    void (*function)(Callback*){nullptr};
};
// Calls `function(&callback)` in a thread, after every reader that began before has ended. Any context.
void call(Callback& callback, void (*function)(Callback*));
// Returns when the functions of all earlier call()s have run. Blocks.
void wait_for_callbacks();

// --- For the interrupt handler and the scheduler

// Handles Ipi::Quiesce: reports a quiescent state if the interrupted code had preemption on, else makes a
// switch due, which will report.
void report_or_ask();
// Says that this CPU is in no reader. Interrupts masked.
void note_quiescent_state();

} // namespace percival::rcu
