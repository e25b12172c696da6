// SPDX-License-Identifier: BSD-2-Clause
// Physical memory before there is a page allocator: the free ranges of RAM, carved from the top down. Nothing is given back.
//
// Boot CPU only, before the secondaries start.
//
// INV-early_memory-1: the free ranges are not empty and do not overlap each other or anything that was reserved.
#pragma once

#include "kernel/bounded_vector.hpp"
#include "kernel/types.hpp"
#include "mm/address.hpp"

#include <optional>

namespace percival::mm {

class EarlyMemory {
public:
    // Holes split ranges: one more per reservation at most.
    static constexpr std::size_t kMaxRanges = 256;

    // Adds RAM that overlaps nothing added before. False: too many ranges, the memory is left out.
    [[nodiscard]] bool add(PhysRange range);

    // Takes `range` out of the free memory, wherever it overlaps it. False: too many ranges, and then the larger part of the
    // split range is kept, so that what is reserved is never free.
    [[nodiscard]] bool reserve(PhysRange range);

    // A free range of `size` at a multiple of `alignment` (a power of two), from the highest place where it fits.
    // The memory is not zeroed. Nothing when there is no such range.
    std::optional<PhysRange> allocate(Bytes size, Bytes alignment);

    Bytes free_bytes() const;

private:
    // Replaces free range `at` by what of it lies outside `taken`.
    bool cut(std::size_t at, PhysRange taken);

    BoundedVector<PhysRange, kMaxRanges> free_{};
};

// The machine's.
EarlyMemory& early_memory();

} // namespace percival::mm
