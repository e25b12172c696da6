// SPDX-License-Identifier: BSD-2-Clause
// Where the shadow of a percpu address is: at a constant distance from a local address, and at another one
// from a global address. The local shadow is a window, as local percpu is: each root shows its own CPU's
// shadow there (mm/address_space/layout.hpp). Any context.
#pragma once

#include "mm/percpu/area.hpp"

namespace percival::percpu::shadow {

inline constexpr Bytes kLocalDistance =
    mm::KernelLayout::kLocalPercpu.base - mm::KernelLayout::kLocalShadow.base;
inline constexpr Bytes kGlobalDistance =
    mm::KernelLayout::kGlobalPercpu.base - mm::KernelLayout::kGlobalShadow.base;

// Returns the address of the shadow of `address`, a local or global percpu address.
constexpr VirtAddr shadow_of(VirtAddr address)
{
    return address - (mm::is_percpu_local(address) ? kLocalDistance : kGlobalDistance);
}
constexpr VirtRange shadow_of(VirtRange range)
{
    return {shadow_of(range.base), range.size};
}

} // namespace percival::percpu::shadow
