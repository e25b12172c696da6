// SPDX-License-Identifier: BSD-2-Clause
// The few lines at the start of every log that say where and how this kernel runs.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Machine, CPU features, layout, and each CPU's root table. Boot CPU, all CPUs up.
void print_summary(const MachineDescription& machine);

} // namespace percival
