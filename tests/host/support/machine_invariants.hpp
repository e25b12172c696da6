// SPDX-License-Identifier: BSD-2-Clause
// Checks what read_device_tree() promises about every machine that it could read (INV-device_tree-1).
#pragma once

#include "kernel/device_tree/machine.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace percival::testing {

// Returns the first broken promise, or an empty string if all are kept. `blob` is the tree that `machine` was
// read from.
std::string violated_invariant(const MachineDescription& machine, std::span<const std::byte> blob);

} // namespace percival::testing
