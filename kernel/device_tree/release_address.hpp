// SPDX-License-Identifier: BSD-2-Clause
// Whether a CPU's release address may be written to. Any context, also on the host and with the MMU off.
//
// A CPU in the firmware's spin table polls the doubleword at its release address (binding arm/cpus.yaml). A
// wrong address in the tree makes the kernel write 8 bytes to a place that belongs to somebody else. Some
// trees have 0 for "the loader fills this in".
#pragma once

#include "kernel/device_tree/machine.hpp"

#include <optional>
#include <string_view>

namespace percival {

// Returns what is wrong with `address`, as the end of a sentence; nothing if it may be written to. It must be
// an aligned doubleword in RAM or reserved memory, outside `image`, the memory of the kernel's image. The
// machine's memory and reservations must have been read.
std::optional<std::string_view> release_address_problem(const MachineDescription& machine, PhysRange image,
                                                        PhysAddr address);

} // namespace percival
