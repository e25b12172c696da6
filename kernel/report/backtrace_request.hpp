// SPDX-License-Identifier: BSD-2-Clause
// Where every CPU is: one CPU asks the others by Ipi::Backtrace, one after the other.
#pragma once

namespace percival {

namespace arch {
struct Registers;
}

// Prints the backtrace of every online CPU, the caller's first. A CPU that does not answer within a bounded
// time (interrupts masked) is named as such. Any context; takes no lock that the CPUs asked could hold.
void backtrace_all_cpus();

// Prints where this CPU was interrupted, for the CPU that asked by Ipi::Backtrace. Interrupt handler.
void answer_backtrace_request(const arch::Registers& interrupted);

} // namespace percival
