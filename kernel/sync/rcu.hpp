// SPDX-License-Identifier: BSD-2-Clause
// Read-copy-update: readers follow a pointer without a lock; whoever replaces what it points to waits until no
// reader can have the old one, and frees it then.
//
//      {                                                   // reader: any context
//          const rcu::ReadGuard reading;
//          use(*rcu::load(table));
//      }
//      Table* old = rcu::replace(table, renewed);          // writer, excluding other writers
//      rcu::synchronize();                                 // blocks
//      mm::destroy(old);
//
// A reader has preemption off, and that is all it costs; masked interrupts do as well. So a CPU that switches
// threads, or takes an interrupt in code with preemption on, has left whatever it read before: synchronize()
// asks every other CPU for such a moment.
#pragma once

#include "kernel/sync/preemption.hpp"

#include <atomic>

namespace percival::rcu {

using ReadGuard = PreemptGuard;

// What is loaded through the pointer is what was stored before it was replaced.
template <class T>
T* load(const std::atomic<T*>& pointer)
{
    return pointer.load(std::memory_order_acquire);
}
template <class T>
T* replace(std::atomic<T*>& pointer, T* renewed)
{
    return pointer.exchange(renewed, std::memory_order_acq_rel);
}

// Returns when every reader that had begun before has ended. Blocks.
void synchronize();

// Calls `function(callback)` after that, in a thread. Any context. The callback is the caller's until then.
struct Callback {
    Callback* next{nullptr};
    void (*function)(Callback*){nullptr};
};
void call(Callback& callback, void (*function)(Callback*));
// Returns when every function that was asked for before has run. Blocks.
void wait_for_callbacks();

// --- For the interrupt handler and the scheduler

// The Ipi::Quiesce handler.
void report_or_ask();
// This CPU is in no reader. Interrupts masked.
void note_quiescent_state();

} // namespace percival::rcu
