// SPDX-License-Identifier: BSD-2-Clause
// The other side of backtrace_all_cpus() (kernel/cpus/online.hpp).
#pragma once

namespace percival {

namespace arch {
struct Registers;
}

// Prints where this CPU was interrupted, for the CPU that asked by Ipi::Backtrace. Interrupt handler.
void answer_backtrace_request(const arch::Registers& interrupted);

} // namespace percival
