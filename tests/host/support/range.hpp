// SPDX-License-Identifier: BSD-2-Clause
// Ranges of physical addresses, in numbers that are short to write.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival {

constexpr PhysRange range(u64 base, u64 size)
{
    return {PhysAddr{base}, Bytes{size}};
}

} // namespace percival
