// SPDX-License-Identifier: BSD-2-Clause
// From one thread of a CPU to the next. Private to the scheduler (kernel/sched/run_queue.hpp); INV-scheduler-1 and
// INV-scheduler-2 are kept here.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Why the running thread stops running.
enum class Leave : u8 { Preempted, Yields, Blocks, Exits };

// Interrupts masked. Returns when the calling thread runs again: at once, if it stays the best one.
void switch_threads(Leave why);

} // namespace percival
