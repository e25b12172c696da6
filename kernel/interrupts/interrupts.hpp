// SPDX-License-Identifier: BSD-2-Clause
// The dispatch of interrupts: from the number of an acknowledged interrupt to its handler.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

namespace arch {
struct Registers;
}

// Runs the handler of the acknowledged interrupt `intid` on this CPU. Interrupts masked. An unexpected
// interrupt is counted, and the first one on each CPU is reported. It is no panic, because the firmware may
// leave an interrupt enabled.
void dispatch_interrupt(u32 intid, const arch::Registers& interrupted);

} // namespace percival
