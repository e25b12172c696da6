// SPDX-License-Identifier: BSD-2-Clause
// Physical memory before there is a page allocator: the free ranges of RAM, carved from the top down. What is
// left is handed over once, and from then on nothing can be allocated here.
//
// Boot CPU only, before the secondaries start.
//
// INV-early_memory-1: the free ranges are not empty and do not overlap each other or anything that was
//                     reserved.
// INV-early_memory-2: all that was added is free, taken or left out: free_bytes() + taken_bytes() is the sum
//                     of what was added.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/types.hpp"
#include "mm/physical/numa.hpp"

#include <optional>
#include <span>

namespace percival::mm {

class EarlyMemory {
public:
    // Holes split ranges: one more per reservation at most.
    static constexpr std::size_t kMaxRanges = 256;

    struct FreeRange {
        PhysRange range;
        NumaNode node;
    };

    // Adds RAM that overlaps nothing added before. False: too many ranges, the memory is left out.
    [[nodiscard]] bool add(PhysRange range, NumaNode node = {});

    // Takes `range` out of the free memory, wherever it overlaps it. False: too many ranges, and then the
    // larger part of the split range is kept, so that what is reserved is never free.
    [[nodiscard]] bool reserve(PhysRange range);

    // A free range of `size` at a multiple of `alignment` (a power of two), from the highest place where it
    // fits. The memory is not zeroed. Nothing when there is no such range.
    std::optional<PhysRange> allocate(Bytes size, Bytes alignment);
    // The same from memory of `node`, or, when that has no such range, from anywhere.
    std::optional<PhysRange> allocate_on(NumaNode node, Bytes size, Bytes alignment);

    // Takes back a part of what allocate() gave. False: too many ranges, it stays taken.
    [[nodiscard]] bool give_back(PhysRange range, NumaNode node = {});

    // All that is still free, cut to whole pages of `page` bytes and sorted: the list stays valid, and
    // nothing can be allocated any more.
    std::span<const FreeRange> hand_over(Bytes page);

    Bytes free_bytes() const;
    Bytes added_bytes() const { return added_; }
    // What was reserved, allocated, or lost with a range that there was no room for.
    Bytes taken_bytes() const { return taken_; }

private:
    std::optional<PhysRange> allocate_where(auto suitable, Bytes size, Bytes alignment);
    // Replaces free range `at` by what of it lies outside `taken`.
    bool cut(std::size_t at, PhysRange taken);

    BoundedVector<FreeRange, kMaxRanges> free_{};
    Bytes added_{0};
    Bytes taken_{0};
    bool handed_over_{false};
};

// The machine's.
EarlyMemory& early_memory();

} // namespace percival::mm
