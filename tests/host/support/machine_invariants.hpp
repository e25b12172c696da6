// SPDX-License-Identifier: BSD-2-Clause
// What read_device_tree() promises about a machine it could read (INV-device_tree-1), whatever the tree was.
#pragma once

#include "kernel/device_tree/machine.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace percival::testing {

// Names the first broken promise; empty if all are kept. `blob` is what the description was read from.
std::string violated_invariant(const MachineDescription& machine, std::span<const std::byte> blob);

} // namespace percival::testing
