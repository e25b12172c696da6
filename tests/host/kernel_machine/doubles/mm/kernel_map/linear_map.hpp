// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of mm/kernel_map/linear_map.hpp: a page is where its physical address says.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::mm {

template <class T>
T* linear_pointer(PhysAddr address)
{
    return reinterpret_cast<T*>(address.raw());
}

} // namespace percival::mm
