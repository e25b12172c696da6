// SPDX-License-Identifier: BSD-2-Clause
// The boot arguments for code that runs before the tree is read. Also on the host.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace percival::boot {

// Returns the text of /chosen's bootargs, which points into `tree`; an empty one where the tree has none or
// is damaged, which its reader will say. Any bytes will do; the header has been checked (device_tree_size()).
// Uses no libfdt, whose data is not at hand while the MMU is off.
std::string_view boot_arguments_in(std::span<const std::byte> tree);

} // namespace percival::boot
