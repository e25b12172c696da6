// SPDX-License-Identifier: BSD-2-Clause
// Makes the machine's UART the console, and says so if it takes no characters. Boot CPU only.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Maps the UART and attaches it, if there is one. Reports what is wrong with the boot argument `earlycon`.
void attach_console(const MachineDescription& machine);

// Says how many characters the console has lost, if any: on the console, which may have recovered, and by
// semihosting where the verdict goes there.
void report_lost_output(const MachineDescription& machine);

} // namespace percival
