// SPDX-License-Identifier: BSD-2-Clause
// The dispatch of interrupts: from the number of an acknowledged interrupt to its handler.
#pragma once

#include "arch/devices/interrupt_controller.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

namespace arch {
struct Registers;
}

// Run the handler of an acknowledged interrupt on this CPU: of an IPI, and of another interrupt, which is one
// of a device. Interrupts masked. An unexpected interrupt is counted, and the first one on each CPU is
// reported. It is no panic, because the firmware may leave an interrupt enabled.
void dispatch_ipi(arch::Ipi ipi, const arch::Registers& interrupted);
void dispatch_interrupt(u32 intid);

} // namespace percival
