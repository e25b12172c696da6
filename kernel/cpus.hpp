// SPDX-License-Identifier: BSD-2-Clause
// The set of CPUs as the rest of the kernel sees it: who am I, how many run, and the few requests that go to all of them.
#pragma once

#include "kernel/types.hpp"

namespace percival {

// The calling CPU. Any context, a panic included: before a CPU's own percpu area is in place it answers kBootCpu,
// which is the only CPU that runs C++ that early.
CpuId this_cpu_id();

// CPUs that came up and run, the caller included. Any context.
u32 online_cpu_count();

// Asks every other online CPU to stop for good (Ipi::Stop) and returns, whether they do or not: the caller is ending the
// run and waits for nobody, a CPU with its interrupts masked least of all. Does nothing before the interrupt controller
// is up. Any context, a panic included; takes no lock.
void stop_other_cpus();

// Prints the backtrace of every online CPU, the caller's first. A CPU that does not answer within a bounded time
// (interrupts masked) is named as such. Any context; takes no lock that the CPUs asked could hold.
void backtrace_all_cpus();

} // namespace percival
