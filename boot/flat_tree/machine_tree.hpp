// SPDX-License-Identifier: BSD-2-Clause
// Writes a device tree that describes a machine: so firmware without one leads into the same path as others.
// Boot only; also on the host, where tests read the trees again.
#pragma once

#include "kernel/device_tree/machine.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace percival::boot {

// Writes the tree into `room`, which is aligned to 8 bytes, and returns its size; nothing if it does not fit.
// The tree has the machine's model, memory, reservations, CPUs but for those in spin tables, PSCI 0.2 or
// later, GIC, timer and console. Reading it gives the same description of these
// (kernel/device_tree/device_tree.hpp).
[[nodiscard]] std::optional<std::size_t> write_machine_tree(const MachineDescription& machine,
                                                            std::span<std::byte> room);

} // namespace percival::boot
