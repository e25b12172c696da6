// SPDX-License-Identifier: BSD-2-Clause
// From the machine's description to complete roots: the order in which memory comes up.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Free memory, linear map, stacks, and a root and a percpu unit for each CPU. What goes wrong here leaves
// nothing to run on and is a panic with the reason. Boot CPU, once, on the master root.
void set_up_memory(const MachineDescription& machine);

} // namespace percival
