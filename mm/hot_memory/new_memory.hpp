// SPDX-License-Identifier: BSD-2-Clause
// Decides whether a range of physical addresses may become memory. The function only calculates: it knows
// what the device tree says, and not what was added since. Any context, on the host too.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "mm/hot_memory/hot_memory.hpp"

namespace percival::mm {

// `window` is what the linear map can reach. Errors: Empty, Misaligned, TooLarge, OutOfReach, IsMemory,
// IsReserved, IsDevice, in this order.
std::expected<void, HotMemoryError> check_new_memory(PhysRange range, PhysRange window,
                                                     const MachineDescription& machine);

} // namespace percival::mm
