// SPDX-License-Identifier: BSD-2-Clause
// Folding: a build for 52-bit addresses on a CPU that translates only 48 bits.
//
// All of the layout but the linear map lies in the top 256 TiB, whose bits 51:48 are all ones, so every
// address is the same in both cases. Software keeps the 52-bit tree; the hardware enters it where a 48-bit
// walk starts:
//
//   4k-52    one level further down, at the table that the root's last entry points to: the top level disappears
//   16k-52   in the root, at its last 2 entries
//   64k-52   in the root, at its last 64 entries
//
// INV-fold-1: decided once, with the MMU off, before any descriptor is written; constant afterwards.
#pragma once

#include "mm/address_space/geometry.hpp"

namespace percival::mm {

// Whether this run is folded. Never true in a build for 48 bits or less.
inline constinit bool folded_to_48_bits = false;

// The lowest address of the kernel half that a 48-bit walk resolves.
inline constexpr VirtAddr kFoldedKernelBase{~u64{0} << 48};

// The physical address the hardware's walks start from, for a tree that software walks from `root`.
// `table(PhysAddr)` gives a table's descriptors. The path along the top of the address space must exist.
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
