// SPDX-License-Identifier: BSD-2-Clause
// Allocates physical memory before the page allocator exists: keeps the free ranges of RAM and carves
// allocations from the top down. hand_over() passes the rest on once, and afterwards nothing can be allocated
// here.
//
// Boot CPU only, before the secondaries start.
//
// Invariants:
// * The free ranges are not empty, and they overlap neither each other nor anything reserved.
// * All memory that was added is free or taken: free_bytes() + taken_bytes() is the sum of what was added. A
//   part of a split range that does not fit in the list counts as taken.
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
    // Each reservation splits at most one range in two, and so adds at most one range.
    static constexpr std::size_t kMaxRanges = 256;

    struct FreeRange {
        PhysRange range;
        NumaNode node;
    };

    // Adds RAM that overlaps nothing added before. Returns false, and leaves the memory out, if there are too
    // many ranges.
    [[nodiscard]] bool add(PhysRange range, NumaNode node = {});

    // Removes `range` from the free memory wherever they overlap. Returns false if there are too many ranges.
    // Then only the larger part of a split range stays free, and the smaller part is lost; reserved memory is
    // never free.
    [[nodiscard]] bool reserve(PhysRange range);

    // Returns the highest free range of `size` at a multiple of `alignment` (a power of two); nothing when
    // there is no such range. The memory is not zeroed.
    std::optional<PhysRange> allocate(Bytes size, Bytes alignment);
    // Does the same with memory of `node`, or, when that has no such range, with any memory.
    std::optional<PhysRange> allocate_on(NumaNode node, Bytes size, Bytes alignment);

    // Frees a part of what allocate() returned. Returns false if there are too many ranges; the memory
    // stays taken.
    [[nodiscard]] bool free(PhysRange range, NumaNode node = {});

    // Returns all free ranges, cut to whole pages of `page` bytes and sorted. The list stays valid, and
    // nothing can be allocated any more.
    std::span<const FreeRange> hand_over(Bytes page);

    Bytes free_bytes() const;
    Bytes added_bytes() const { return added_; }
    // Memory that was reserved, allocated, or lost with a range that did not fit in the list.
    Bytes taken_bytes() const { return taken_; }

private:
    std::optional<PhysRange> allocate_where(auto suitable, Bytes size, Bytes alignment);
    // Replaces free range `at` by its parts outside `taken`. Returns false if it had to drop the smaller one
    // of two.
    bool cut(std::size_t at, PhysRange taken);

    BoundedVector<FreeRange, kMaxRanges> free_{};
    Bytes added_{0};
    Bytes taken_{0};
    bool handed_over_{false};
};

// Returns the instance for this machine's memory.
EarlyMemory& early_memory();

} // namespace percival::mm
