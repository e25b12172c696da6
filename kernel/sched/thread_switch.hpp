// SPDX-License-Identifier: BSD-2-Clause
// The switch from one thread of a CPU to the next, and the ways in which a thread gives up its CPU. This file
// keeps INV-scheduler-1 and INV-scheduler-2 (kernel/sched/scheduler.hpp).
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Blocks the calling thread until wake() is called for it. Returns at once if that has happened since the
// last return. It may also return without a reason, so callers check their condition again.
void block();

// Puts the calling thread behind the other threads of its priority, with a new time slice. Blocks.
void yield();

// Blocks the calling thread for at least `nanoseconds`.
void sleep_for_nanoseconds(u64 nanoseconds);

// --- Private to the scheduler (kernel/sched/run_queue.hpp)

// Why the running thread stops running.
enum class Leave : u8 { Preempted, Yields, Blocks, Exits };

// Switches to the thread that should run next. Returns when the calling thread runs again, which is at once
// if it is still the best choice. Interrupts masked.
void switch_threads(Leave why);

} // namespace percival
