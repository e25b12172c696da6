// SPDX-License-Identifier: BSD-2-Clause
#include "mm/early_memory.hpp"

#include <algorithm>

namespace percival::mm {

bool EarlyMemory::add(PhysRange range)
{
    return range.is_empty() || free_.push(range);
}

bool EarlyMemory::cut(std::size_t at, PhysRange taken)
{
    const PhysRange whole = free_[at];
    const PhysAddr from = std::max(whole.base, taken.base);
    const PhysAddr to = std::min(whole.end(), taken.end());
    const PhysRange below{whole.base, from - whole.base};
    const PhysRange above{to, whole.end() - to};
    if (below.is_empty() && above.is_empty()) {
        free_.remove_unordered(at);
        return true;
    }
    if (below.is_empty() || above.is_empty()) {
        free_[at] = below.is_empty() ? above : below;
        return true;
    }
    free_[at] = below.size < above.size ? above : below;
    return free_.push(below.size < above.size ? below : above);
}

bool EarlyMemory::reserve(PhysRange range)
{
    bool complete = true;
    // Backwards: cut() replaces item `at` by the last one or appends, and never moves an item in front of `at`.
    for (std::size_t at = free_.size(); at-- > 0;) {
        if (free_[at].overlaps(range))
            complete = cut(at, range) && complete;
    }
    return complete;
}

std::optional<PhysRange> EarlyMemory::allocate(Bytes size, Bytes alignment)
{
    std::optional<std::size_t> best;
    PhysAddr best_base;
    for (std::size_t at = 0; at < free_.size(); ++at) {
        const PhysRange range = free_[at];
        if (range.size < size || size == Bytes{0})
            continue;
        const PhysAddr base = (range.end() - size).align_down(alignment);
        if (base >= range.base && base < range.end() && (!best || base > best_base)) {
            best = at;
            best_base = base;
        }
    }
    if (!best || !cut(*best, {best_base, size}))
        return std::nullopt;
    return PhysRange{best_base, size};
}

Bytes EarlyMemory::free_bytes() const
{
    Bytes sum{0};
    for (const PhysRange& range : free_)
        sum = sum + range.size;
    return sum;
}

EarlyMemory& early_memory()
{
    static constinit EarlyMemory memory;
    return memory;
}

} // namespace percival::mm
