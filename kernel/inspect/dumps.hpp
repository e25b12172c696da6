// SPDX-License-Identifier: BSD-2-Clause
// Prints where and how this kernel runs, and what its allocators hold.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Prints the lines at the start of every log: the machine, the CPU features, the layout, memory, and each
// CPU's root table. Boot CPU only, once all CPUs are up.
void print_summary(const MachineDescription& machine);

// Prints what the device tree, or the one made of ACPI tables, says of the machine, a line for each thing
// (boot argument `machineinfo`). Any context that may print.
void print_machineinfo(const MachineDescription& machine);

// Prints the state of the percpu allocator (boot argument `percpuinfo`). May block.
void print_percpuinfo();

// Prints a line for each area in use (range, size, mapped pages, kind and caller), the totals of each region,
// and how often freed areas were flushed (boot argument `vmallocinfo`). Any context that may print. Other
// CPUs may allocate and free meanwhile: each line was true when it was made.
void print_vmallocinfo();

} // namespace percival
