// SPDX-License-Identifier: BSD-2-Clause
// Backtraces of all CPUs: one CPU asks the others by Ipi::Backtrace, one after the other.
#pragma once

namespace percival {

namespace arch {
struct Registers;
}

// Prints the backtrace of every online CPU, the caller's first. A CPU that does not answer within a bounded
// time, because it has interrupts masked, is reported as such. Any context; takes no lock that the CPUs asked
// could hold.
void backtrace_all_cpus();

// Handles Ipi::Backtrace: prints where this CPU was interrupted, and tells the asking CPU that it is done.
void answer_backtrace_request(const arch::Registers& interrupted);

} // namespace percival
