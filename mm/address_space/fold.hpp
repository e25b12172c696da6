// SPDX-License-Identifier: BSD-2-Clause
// Folding: a build for 52-bit addresses runs on a CPU that translates only 48 bits.
//
// The whole layout except the linear map lies in the top 256 TiB, whose address bits 51:48 are all ones, so
// these addresses are the same in both cases. Software keeps the 52-bit tree. The hardware enters it where a
// 48-bit walk starts:
//
//   4k-52    one level further down, at the table that the last entry of the root points to: the hardware
//            never sees the top level
//   16k-52   in the root, at its last 2 entries
//   64k-52   in the root, at its last 64 entries
//
// Invariant: boot code decides on folding once, with the MMU off, before it writes any descriptor. The
// decision never changes afterwards.
#pragma once

#include "mm/address_space/geometry.hpp"

namespace percival::mm {

// Whether this boot is folded. Never true in a build for 48 bits or less.
inline constinit bool folded_to_48_bits = false;

// The lowest address of the kernel half that a 48-bit walk resolves.
inline constexpr VirtAddr kFoldedKernelBase{~u64{0} << 48};

// Returns the physical address from which the hardware walks a tree that software walks from `root`.
// `table(PhysAddr)` returns a table's descriptors. The tables along the top of the address space must exist.
template <class G, class Pte, class TableAt>
PhysAddr walk_start(PhysAddr root, TableAt table)
{
    if (!folded_to_48_bits)
        return root;
    if constexpr (G::kVaBits == 52) {
        constexpr Level kStart = Geometry<G::kGranule, 48>::kRootLevel;
        for (Level level = G::kRootLevel; level < kStart; level = level.down())
            root = Pte{table(root)[G::index(level, kFoldedKernelBase)]}.address();
        return root + Bytes{G::index(kStart, kFoldedKernelBase) * sizeof(Pte)};
    }
    return root;
}

} // namespace percival::mm
