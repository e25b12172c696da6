// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of mm/image/image.hpp: the image has a place in memory where nothing is.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::mm {

inline PhysAddr image_to_physical(const volatile void* thing)
{
    return PhysAddr{address_of(thing).raw()};
}

constexpr PhysRange image_in_memory()
{
    return {PhysAddr{0x4020'0000}, Bytes{0x20'0000}};
}

} // namespace percival::mm
