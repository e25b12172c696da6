// SPDX-License-Identifier: BSD-2-Clause
// Prints the few lines at the start of every log that say where and how this kernel runs.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Prints the machine, the CPU features, the layout, memory, and each CPU's root table. Boot CPU only, once
// all CPUs are up.
void print_summary(const MachineDescription& machine);

} // namespace percival
