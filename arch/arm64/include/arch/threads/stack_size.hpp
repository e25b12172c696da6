// SPDX-License-Identifier: BSD-2-Clause
// Sizes of kernel stacks. A stack of 2^kStackShift bytes is aligned to twice its size, so that bit
// kStackShift of SP is 0 on the stack and 1 in the guard below it. The exception vectors recognize an
// overflow by that one bit, without touching memory.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"

namespace percival::arch {

inline constexpr unsigned kStackShift =
    mm::KernelGeometry::kPageShift > 14 ? mm::KernelGeometry::kPageShift : 14;
inline constexpr Bytes kStackSize{u64{1} << kStackShift};

// Size of the stack on which an overflow is reported. That stack lies in the local percpu window: it is used
// only during the exception, so it never migrates.
inline constexpr Bytes kOverflowStackSize{8192};

} // namespace percival::arch
