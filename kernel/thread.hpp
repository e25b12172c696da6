// SPDX-License-Identifier: BSD-2-Clause
// A thread of the kernel.
#pragma once

#include "kernel/preemption.hpp"
#include "mm/percpu.hpp"

namespace percival {

struct Thread {
    Preemption preemption; // first: where the thread pointer points
};

// What a CPU runs from its first instruction on. boot/start.S makes the thread pointer point to it.
extern "C" {
extern Thread boot_thread;         // the boot CPU's
extern PerCpu<Thread> idle_thread; // the others', by its global address
}

} // namespace percival
