// SPDX-License-Identifier: BSD-2-Clause
// Memory that the boot argument memory.later holds back at boot and adds once all CPUs are up. There is one
// such range; of several arguments the last one counts.
#pragma once

#include "kernel/device_tree/machine.hpp"

#include <optional>

namespace percival {

// Takes the range that memory.later names out of the machine's memory. Prints why if that is impossible, and
// the machine boots with all of its memory then. Boot CPU, once, after keep_reachable_memory().
void hold_back_memory(MachineDescription& machine);

// Returns what was held back, which is no part of the machine's memory. Any context, after
// hold_back_memory().
const std::optional<MemoryBank>& held_back_memory();

// Adds what was held back, and prints that. Threads only, once, when all CPUs are up.
void give_held_back_memory();

} // namespace percival
