// SPDX-License-Identifier: BSD-2-Clause
// Taking over the watchdogs that the device tree describes.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Maps the registers of each watchdog and takes it over (kernel/report/hardware_watchdogs.hpp). Prints a line
// for one that cannot be mapped or that answers an access with a fault, and leaves that one out. Boot CPU,
// once.
void take_over_watchdogs(const MachineDescription& machine);

} // namespace percival
