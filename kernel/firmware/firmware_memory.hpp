// SPDX-License-Identifier: BSD-2-Clause
// The memory that firmware leaves to the kernel, as ranges in order of their addresses. Pieces that touch or
// overlap become one range. Any context, also with the MMU off and on the host; not for use by two at once.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/bounded_vector.hpp"

#include <cstddef>
#include <span>

namespace percival {

class FirmwareMemory {
public:
    static constexpr std::size_t kMaxRanges = 128;

    // Adds the part of `piece` below kPhysicalLimit. A piece that touches no range while there is room for no
    // other one counts as left out: less memory is a smaller loss than memory that somebody else uses.
    void add(PhysRange piece);

    std::span<const PhysRange> ranges() const { return ranges_.span(); }
    // Pieces that found no room, or lie beyond the limit.
    Bytes left_out() const { return left_out_; }

private:
    BoundedVector<PhysRange, kMaxRanges> ranges_{};
    Bytes left_out_{};
};

} // namespace percival
