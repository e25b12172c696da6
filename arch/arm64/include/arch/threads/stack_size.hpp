// SPDX-License-Identifier: BSD-2-Clause
// Sizes of kernel stacks. A stack of 2^kStackShift bytes is aligned to twice its size, so that bit
// kStackShift of SP is 0 on it and 1 in the guard below: the exception vectors tell an overflow by that one
// bit, without touching memory.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"

namespace percival::arch {

inline constexpr unsigned kStackShift =
    mm::KernelGeometry::kPageShift > 14 ? mm::KernelGeometry::kPageShift : 14;
inline constexpr Bytes kStackSize{u64{1} << kStackShift};

// The stack on which an overflow is reported. It lies in the local percpu window: it never outlives the
// exception, so it never migrates.
inline constexpr Bytes kOverflowStackSize{8192};

} // namespace percival::arch
