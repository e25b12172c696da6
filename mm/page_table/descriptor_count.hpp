// SPDX-License-Identifier: BSD-2-Clause
// Counts neighbouring descriptors of the same kind in one table, so that the caller maps or clears all of
// them without walking again. Any context in which the table can be read.
#pragma once

#include "mm/page_table/descriptor_writer.hpp"

namespace percival::mm {

namespace descriptor_count_detail {

// `level()` returns a constant at the last level: there, the kind depends on one bit only.
template <PteKind Kind, PteFormat Pte>
u64 count_while(const Pte* first, u64 limit, auto level)
{
    constexpr u64 kAtOnce = 8; // descriptors examined without a branch between them
    const auto are_alike = [&](u64 from) {
        bool alike = true;
#pragma clang loop unroll(full)
        for (u64 n = 0; n < kAtOnce; ++n)
            alike = alike & (load_descriptor(first + from + n).kind(level()) == Kind);
        return alike;
    };
    u64 count = 0;
    while (count + kAtOnce <= limit && are_alike(count))
        count += kAtOnce;
    while (count < limit && load_descriptor(first + count).kind(level()) == Kind)
        ++count;
    return count;
}

template <PteKind Kind, PteFormat Pte>
u64 count(const Pte* first, u64 limit, Level level)
{
    return level.is_last() ? count_while<Kind>(first, limit, [] { return kLastLevel; })
                           : count_while<Kind>(first, limit, [level] { return level; });
}

} // namespace descriptor_count_detail

// Returns the number of invalid entries from `first` on, at most `limit`.
template <PteFormat Pte>
u64 count_invalid(const Pte* first, u64 limit, Level level)
{
    return descriptor_count_detail::count<PteKind::Invalid>(first, limit, level);
}

// Returns the number of leaves from `first` on, at most `limit`.
template <PteFormat Pte>
u64 count_leaves(const Pte* first, u64 limit, Level level)
{
    return descriptor_count_detail::count<PteKind::Leaf>(first, limit, level);
}

} // namespace percival::mm
