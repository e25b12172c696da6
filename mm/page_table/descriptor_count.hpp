// SPDX-License-Identifier: BSD-2-Clause
// How many neighbouring descriptors of one table are alike: so many are mapped or cleared without another
// walk. Any context in which the table can be read.
#pragma once

#include "mm/page_table/descriptor_writer.hpp"

namespace percival::mm {

namespace descriptor_count_detail {

// `level()` is a constant where that is the last one: there a kind is one bit.
template <PteKind Kind, PteFormat Pte>
u64 count_while(const Pte* first, u64 most, auto level)
{
    constexpr u64 kAtOnce = 8; // looked at without a branch in between
    const auto are_alike = [&](u64 from) {
        bool alike = true;
#pragma clang loop unroll(full)
        for (u64 n = 0; n < kAtOnce; ++n)
            alike = alike & (load_descriptor(first + from + n).kind(level()) == Kind);
        return alike;
    };
    u64 count = 0;
    while (count + kAtOnce <= most && are_alike(count))
        count += kAtOnce;
    while (count < most && load_descriptor(first + count).kind(level()) == Kind)
        ++count;
    return count;
}

template <PteKind Kind, PteFormat Pte>
u64 count(const Pte* first, u64 most, Level level)
{
    return level.is_last() ? count_while<Kind>(first, most, [] { return kLastLevel; })
                           : count_while<Kind>(first, most, [level] { return level; });
}

} // namespace descriptor_count_detail

// Invalid entries from `first` on, `most` at most.
template <PteFormat Pte>
u64 count_invalid(const Pte* first, u64 most, Level level)
{
    return descriptor_count_detail::count<PteKind::Invalid>(first, most, level);
}

// Leaves from `first` on, `most` at most.
template <PteFormat Pte>
u64 count_leaves(const Pte* first, u64 most, Level level)
{
    return descriptor_count_detail::count<PteKind::Leaf>(first, most, level);
}

} // namespace percival::mm
