// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/firmware/firmware_memory.hpp"

#include <algorithm>

namespace percival {

void FirmwareMemory::add(PhysRange piece)
{
    const PhysAddr base = std::min(piece.base, kPhysicalLimit);
    const Bytes below = std::min(piece.size, kPhysicalLimit - base);
    left_out_ += piece.size - below;
    if (below == Bytes{0})
        return;
    // [first, last): the ranges that the piece touches.
    std::size_t first = 0;
    while (first < ranges_.size() && ranges_[first].end() < base)
        ++first;
    std::size_t last = first;
    PhysAddr start = base;
    PhysAddr end = base + below;
    for (; last < ranges_.size() && ranges_[last].base <= end; ++last) {
        start = std::min(start, ranges_[last].base);
        end = std::max(end, ranges_[last].end());
    }
    if (first == last) {
        if (!ranges_.push({})) {
            left_out_ += below;
            return;
        }
        std::copy_backward(ranges_.begin() + first, ranges_.end() - 1, ranges_.end());
    } else {
        std::copy(ranges_.begin() + last, ranges_.end(), ranges_.begin() + first + 1);
        ranges_.truncate(ranges_.size() - (last - first - 1));
    }
    ranges_[first] = {start, end - start};
}

} // namespace percival
