// SPDX-License-Identifier: BSD-2-Clause
// Decides which memory the linear map covers. The functions only calculate: boot code calls them before there
// is a linear map, and host tests call them too.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"

#include <array>

namespace percival::mm {

using MemoryBanks = decltype(MachineDescription::memory);

// Returns the physical addresses that a linear map of `size` bytes covers, below `limit` and from a multiple
// of `alignment` on. The window starts with the lowest bank. If that would leave out the end of `image`, it
// ends with the image instead, because the kernel cannot do without that. There is at least one bank.
PhysRange linear_window(const MemoryBanks& banks, PhysRange image, Bytes size, Bytes alignment,
                        PhysAddr limit);

// Cuts the banks to `window`, and returns how much memory that leaves out.
Bytes keep_within(MemoryBanks& banks, PhysRange window);

// Returns whether whole pages of the banks, which are sorted, contain all of `range`.
bool is_in_memory(const MemoryBanks& banks, PhysRange range, Bytes page);

// Returns what is left of `range` without `taken`: the part below and the part above, each of which may be
// empty.
std::array<PhysRange, 2> without(PhysRange range, PhysRange taken);

} // namespace percival::mm
