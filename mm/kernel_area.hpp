// SPDX-License-Identifier: BSD-2-Clause
// Addresses in the vmalloc region for what is mapped at boot and stays: stacks and device registers. They are
// handed out upwards, each with an unmapped page behind it, and never come back.
//
// Boot CPU, before the secondaries start.
#pragma once

#include "mm/address.hpp"

#include <optional>

namespace percival::mm {

// `size` bytes of addresses, nothing mapped there yet, at a multiple of `alignment` (a power of two, a page
// at least).
std::optional<VirtRange> take_kernel_area(Bytes size, Bytes alignment);

} // namespace percival::mm
