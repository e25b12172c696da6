// SPDX-License-Identifier: BSD-2-Clause
// Mapping device registers into the kernel, for its whole life.
#pragma once

#include "mm/address.hpp"

#include <optional>

namespace percival::mm {

// Maps `registers` as Device-nGnRE, RW, never executable, at an address of its own with the same offset into
// the granule. Nothing when the range is empty or memory or address space ran out. Boot CPU, before the
// secondaries start.
std::optional<VirtAddr> map_device(PhysRange registers);

} // namespace percival::mm
