// SPDX-License-Identifier: BSD-2-Clause
// Whether the running thread may be replaced by another one, in one word of each thread: how many reasons it
// has to stay (count), and whether a switch is due that had to wait for them (due).
//
// Per thread, found through the thread pointer, not per CPU at a local percpu address. Both cost the same
// (eight instructions for a guard's beginning and end, one more, MRS or ADRP, where the address is not in a
// register yet), but a thread's word is found in every mode of the percpu areas, the one included that has no
// local addresses and protects its operations by this very count. Plain loads and stores do: whoever
// interrupts leaves the count as it was, and a thread that is switched away resumes with its own. Atomics that
// return the old value would make it four instructions, yet each of them takes longer than all eight on
// today's cores.
//
// INV-preemption-1: count is written by its thread and by interrupt handlers on top of it, which put it back.
//                   While it is not 0, the thread stays on its CPU and no other one runs there.
// INV-preemption-2: due is written on the CPU that runs the thread only, so no store to one half can lose
//                   one to the other.
#pragma once

#include "arch/threads/thread_pointer.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/sync/pin.hpp"

namespace percival {

struct alignas(8) Preemption {
    u32 count{0};
    u32 due{0};
    void* catching{nullptr}; // arch::catch_fault(): the call that this thread is in
};

// What an interrupt handler adds to the count: in its upper half, so that "in a handler" is a compare.
inline constexpr u32 kInterruptCount = u32{1} << 16;

// That of the running thread. The pointer never changes for the code that holds it.
inline Preemption& preemption()
{
    return *static_cast<Preemption*>(arch::thread_pointer());
}

// Gives the CPU to another thread if one is waiting for it, unless there is a reason to stay (a count, masked
// interrupts): then it happens when that ends.
void switch_if_due();

inline void disable_preemption()
{
    Preemption& own = preemption();
    __atomic_store_n(&own.count, __atomic_load_n(&own.count, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
    asm volatile("" ::: "memory"); // what is protected stays behind
}

// The store comes before the look at due: an interrupt after the store switches by itself, what one before
// it made due is seen. They are separate halves, because a load of the whole word would have to wait until
// the store to a part of it has reached the cache.
inline void enable_preemption()
{
    asm volatile("" ::: "memory"); // what is protected stays before
    Preemption& own = preemption();
    __atomic_store_n(&own.count, __atomic_load_n(&own.count, __ATOMIC_RELAXED) - 1, __ATOMIC_RELAXED);
    asm volatile("" ::: "memory");
    if (__atomic_load_n(&own.due, __ATOMIC_RELAXED) != 0) [[unlikely]]
        switch_if_due();
}

inline bool is_in_interrupt()
{
    return preemption().count >= kInterruptCount;
}

// Keeps its thread on its CPU, and all others off it, for its lifetime. Any context; nests.
class PreemptGuard : public Pin, Immovable {
public:
    PreemptGuard() { disable_preemption(); }
    ~PreemptGuard() { enable_preemption(); }
};

} // namespace percival
