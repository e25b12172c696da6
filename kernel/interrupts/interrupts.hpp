// SPDX-License-Identifier: BSD-2-Clause
// What happens on an interrupt, after the vectors and before the drivers.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

namespace arch {
struct Registers;
}

// Runs the handler of an acknowledged interrupt on this CPU. Interrupts masked. An interrupt that nothing
// asked for is counted and reported once, never a panic: a board's firmware may leave one enabled.
void dispatch_interrupt(u32 intid, const arch::Registers& interrupted);

} // namespace percival
