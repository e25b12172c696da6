// SPDX-License-Identifier: BSD-2-Clause
#include "mm/physical/early_memory.hpp"

#include <algorithm>

namespace percival::mm {

bool EarlyMemory::add(PhysRange range, NumaNode node)
{
    if (range.is_empty())
        return true;
    if (!free_.push({range, node}))
        return false;
    added_ += range.size;
    return true;
}

bool EarlyMemory::cut(std::size_t at, PhysRange taken)
{
    const PhysRange whole = free_[at].range;
    const PhysAddr from = std::max(whole.base, taken.base);
    const PhysAddr to = std::min(whole.end(), taken.end());
    const PhysRange below{whole.base, from - whole.base};
    const PhysRange above{to, whole.end() - to};
    taken_ += to - from;
    if (below.is_empty() && above.is_empty()) {
        free_.remove_unordered(at);
        return true;
    }
    const PhysRange larger = below.size < above.size ? above : below;
    const PhysRange smaller = below.size < above.size ? below : above;
    free_[at].range = larger;
    if (smaller.is_empty() || free_.push({smaller, free_[at].node}))
        return true;
    taken_ += smaller.size;
    return false;
}

bool EarlyMemory::reserve(PhysRange range)
{
    bool complete = true;
    // Iterates backwards: cut() replaces item `at` by the last one or appends an item, and never moves an
    // item in front of `at`.
    for (std::size_t at = free_.size(); at-- > 0;) {
        if (free_[at].range.overlaps(range))
            complete = cut(at, range) && complete;
    }
    return complete;
}

bool EarlyMemory::free(PhysRange range, NumaNode node)
{
    if (range.is_empty())
        return true;
    if (!free_.push({range, node}))
        return false;
    taken_ = taken_ - range.size;
    return true;
}

std::optional<PhysRange> EarlyMemory::allocate_where(auto suitable, Bytes size, Bytes alignment)
{
    if (size == Bytes{0} || handed_over_)
        return std::nullopt;
    std::optional<std::size_t> best;
    PhysAddr best_base;
    for (std::size_t at = 0; at < free_.size(); ++at) {
        const PhysRange range = free_[at].range;
        if (range.size < size || !suitable(free_[at].node))
            continue;
        const PhysAddr base = (range.end() - size).align_down(alignment);
        if (base >= range.base && (!best || base > best_base)) {
            best = at;
            best_base = base;
        }
    }
    if (!best || !cut(*best, {best_base, size}))
        return std::nullopt;
    return PhysRange{best_base, size};
}

std::optional<PhysRange> EarlyMemory::allocate(Bytes size, Bytes alignment)
{
    return allocate_where([](NumaNode) { return true; }, size, alignment);
}

std::optional<PhysRange> EarlyMemory::allocate_on(NumaNode node, Bytes size, Bytes alignment)
{
    if (const auto near = allocate_where([node](NumaNode other) { return other == node; }, size, alignment))
        return near;
    return allocate(size, alignment);
}

std::span<const EarlyMemory::FreeRange> EarlyMemory::hand_over(Bytes page)
{
    handed_over_ = true;
    for (std::size_t at = free_.size(); at-- > 0;) {
        PhysRange& range = free_[at].range;
        const PhysAddr base = range.base.align_up(page);
        const PhysAddr end = std::max(base, range.end().align_down(page));
        taken_ += range.size - (end - base);
        range = {base, end - base};
        if (range.is_empty())
            free_.remove_unordered(at);
    }
    std::sort(free_.begin(), free_.end(),
              [](const FreeRange& a, const FreeRange& b) { return a.range.base < b.range.base; });
    return free_.span();
}

Bytes EarlyMemory::free_bytes() const
{
    Bytes sum{0};
    for (const FreeRange& free : free_)
        sum += free.range.size;
    return sum;
}

EarlyMemory& early_memory()
{
    static constinit EarlyMemory memory;
    return memory;
}

} // namespace percival::mm
