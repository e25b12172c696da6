// SPDX-License-Identifier: BSD-2-Clause
// Setting up memory, from the description of the machine to complete roots: the order in which its parts come
// up.
#pragma once

#include "kernel/device_tree/machine.hpp"

namespace percival {

// Leaves out memory that the linear map cannot reach, and says so. Panics if the image is not in memory. Boot
// CPU, once, before set_up_memory().
void keep_reachable_memory(MachineDescription& machine);

// Sets up free memory, the linear map, the stacks, and a root and a percpu unit for each CPU. A failure is a
// panic with the reason, because the kernel cannot run without any of these. Boot CPU, once, on the master
// root.
void set_up_memory(const MachineDescription& machine);

// Repaints the linear map with pages (mm/linear/repaint.hpp) if it was painted with blocks because the boot
// CPU tolerates that these are split, and another CPU does not. If there is no memory for that the map stays
// as it is, and says so. Boot thread, once, after finalise_features(), before any other CPU comes.
void settle_linear_map(const MachineDescription& machine);

} // namespace percival
