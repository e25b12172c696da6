// SPDX-License-Identifier: BSD-2-Clause
// From the machine's description to complete roots: the order in which memory comes up.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Free memory, linear map, stacks, and a root and a percpu unit for each CPU. What goes wrong here leaves
// nothing to run on and is a panic with the reason. Boot CPU, once, on the master root.
void set_up_memory(const MachineDescription& machine);

// What it costs that roots are complete at boot, so that nothing has to be synchronized later: tables that map
// nothing yet, and what making them took (0 instructions where they cannot be counted).
struct RootCompleteness {
    u64 tables;
    u64 instructions;
};
const RootCompleteness& root_completeness();

} // namespace percival
