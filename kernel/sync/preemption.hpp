// SPDX-License-Identifier: BSD-2-Clause
// Whether the running thread may be replaced by another one. A word of each thread has two halves: `count`
// is the number of reasons to stay, and `due` says that a switch waits for these to end.
//
// The word belongs to the thread and is found through the thread pointer. A percpu variable at a local
// address would cost the same: eight instructions for the beginning and the end of a guard, plus one (MRS or
// ADRP) where the address is not in a register yet. But the thread's word can be found in every mode of the
// percpu areas. One of these modes has no local addresses and protects its operations by this very count.
//
// Plain loads and stores suffice: an interrupt handler leaves the count as it found it, and a thread that is
// switched away resumes with its own count. Atomic operations that return the old value would need only four
// instructions, but on today's cores each of these takes longer than all eight plain ones.
//
// INV-preemption-1: count is written only by its thread and by interrupt handlers that interrupt it; a
//                   handler restores it. While it is not 0, the thread stays on its CPU and no other thread
//                   runs there.
// INV-preemption-2: due is written only by the CPU that runs the thread, and count and due are stored
//                   separately, so a store to one never overwrites a store to the other.
// INV-preemption-3: percpu_note is written only by its thread's operations and by handlers that interrupt
//                   it. It is 0 whenever the thread is switched away or ends (INV-fixup-2).
#pragma once

#include "arch/threads/thread_pointer.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/sync/pin.hpp"

#include <atomic>

namespace percival {

struct alignas(8) Preemption {
    u32 count{0};
    u32 due{0};
    u16 percpu_note{0}; // registers of the thread's this_cpu operation (arch/percpu_modes/fixup.hpp)
};

// The amount that an interrupt handler adds to the count. It lies in the upper half, which the guards of a
// thread never reach.
inline constexpr u32 kInterruptCount = u32{1} << 16;

// Returns the word of the running thread. The reference stays right across a switch, since it belongs to the
// thread.
inline Preemption& preemption()
{
    return *static_cast<Preemption*>(arch::thread_pointer());
}

// Switches to another thread if a switch is due. While the count is not 0 or interrupts are masked, the
// switch is delayed until that ends. Defined in kernel/sched/preemption.cpp.
void switch_if_due();

// Adds one reason to stay (INV-preemption-1). Any context.
inline void disable_preemption()
{
    const std::atomic_ref count{preemption().count};
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    asm volatile("" ::: "memory"); // keeps the protected accesses after the store
}

// Removes one reason to stay, and switches threads if that was the last one and a switch is due. Any context.
// count is stored before due is loaded: an interrupt after the store switches by itself, and a switch that an
// earlier interrupt made due is seen here. The two halves are accessed separately (INV-preemption-2), because
// a load of the whole word would have to wait until the store to a part of it has reached the cache.
inline void enable_preemption()
{
    asm volatile("" ::: "memory"); // keeps the protected accesses before the store
    Preemption& own = preemption();
    const std::atomic_ref count{own.count};
    count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    asm volatile("" ::: "memory"); // keeps the load of due after the store
    if (std::atomic_ref{own.due}.load(std::memory_order_relaxed) != 0) [[unlikely]]
        switch_if_due();
}

// Keeps the calling thread on its CPU, and other threads off that CPU, for the lifetime of the guard
// (INV-preemption-1). Any context; nests.
class PreemptGuard : public Pin, Immovable {
public:
    PreemptGuard() { disable_preemption(); }
    ~PreemptGuard() { enable_preemption(); }
};

} // namespace percival
