// SPDX-License-Identifier: BSD-2-Clause
// The device tree that the kernel gets from UEFI firmware: its own, or one made of its ACPI tables.
#pragma once

#include "boot/uefi/firmware.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace percival::boot::uefi {

using Tree = std::span<const std::byte>;

// Takes the firmware's tree, or makes one of its ACPI tables, as the boot argument acpi= says. A tree that is
// made lies in `room`. Returns nothing if there is none; why is printed then.
std::optional<Tree> find_tree(const Firmware& firmware, std::string_view arguments, Pages& room);

} // namespace percival::boot::uefi
