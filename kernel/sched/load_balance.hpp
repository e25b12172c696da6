// SPDX-License-Identifier: BSD-2-Clause
// Threads that go to where there is less to do: a CPU that runs out of them pulls one (its idle thread does,
// in kernel/sched/idle_thread.cpp), and one that has more than another pushes one from time to time. Private to the
// scheduler (kernel/sched/run_queue.hpp). Interrupts masked, no queue locked.
//
// Which queue has more is a hint (INV-run_queue-2): a wrong guess costs a move, and the next look puts it
// right.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Gives a thread that waits for `from` to `to`, if there is one to spare that may run there. Whether it did.
bool hand_over(CpuId from, CpuId to);

// Periodic push: every few ticks, hands over to a CPU that has at least two fewer. For the tick of `self`
// while that runs a thread.
void push_on_tick(CpuId self);

} // namespace percival
