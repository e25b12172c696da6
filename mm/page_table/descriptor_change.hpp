// SPDX-License-Identifier: BSD-2-Clause
// Classifies the replacement of one descriptor by another: what it means to a TLB that may hold the old one
// (Arm ARM D8.16.1, Using break-before-make when updating translation table entries). This file makes the
// decision, and mm/page_table/descriptor_access.hpp acts on it. Any context.
//
// The architecture allows a little more: another output address without a break, where neither mapping is
// writable and the memory has the same contents. Nothing here knows contents, so every such change needs the
// break.
#pragma once

#include "mm/address_space/pte_format.hpp"

namespace percival::mm {

enum class Change : u8 {
    None,       // both descriptors are the same
    Fresh,      // invalid -> valid: no TLB holds an invalid entry, so publishing is enough
    Unmap,      // valid -> invalid: needs a TLBI before the memory or the address is used again
    Permission, // only the protection of a leaf changes: needs a TLBI afterwards
    // Block <-> table, or the contiguous hint, with unchanged outputs: like NeedsBreak, unless FEAT_BBM
    // allows it.
    Resize,
    NeedsBreak, // any other valid -> valid change: write invalid, TLBI, write the new one
};

namespace descriptor_change_detail {

enum class Rule : u8 { None, Fresh, Unmap, Resize, CompareTables, CompareLeaves };

// Indexed by [old kind][new kind], in the order of PteKind: Invalid, Table, Leaf.
inline constexpr Rule kByKind[3][3] = {
    {Rule::None, Rule::Fresh, Rule::Fresh},
    {Rule::Unmap, Rule::CompareTables, Rule::Resize},
    {Rule::Unmap, Rule::Resize, Rule::CompareLeaves},
};

template <PteFormat Pte>
constexpr Change compare_leaves(Pte old, Pte now)
{
    if (old == now)
        return Change::None;
    if (old.address() != now.address() || old.attributes().memory != now.attributes().memory)
        return Change::NeedsBreak;
    const bool same_protection = old.attributes().protection == now.attributes().protection;
    if (old.is_contiguous() == now.is_contiguous())
        // The entries of a contiguous run must agree at all times, so no entry may change alone (D8.7.1).
        return same_protection || old.is_contiguous() ? Change::NeedsBreak : Change::Permission;
    return same_protection ? Change::Resize : Change::NeedsBreak;
}

} // namespace descriptor_change_detail

// Returns the kind of the change from `old` to `now` in a slot at `level`.
template <PteFormat Pte>
constexpr Change classify(Pte old, Pte now, Level level)
{
    using enum descriptor_change_detail::Rule;
    switch (descriptor_change_detail::kByKind[static_cast<u8>(old.kind(level))]
                                             [static_cast<u8>(now.kind(level))]) {
    case None:
        return Change::None;
    case Fresh:
        return Change::Fresh;
    case Unmap:
        return Change::Unmap;
    case Resize:
        return Change::Resize;
    case CompareTables:
        return old == now ? Change::None : Change::NeedsBreak;
    case CompareLeaves:
        return descriptor_change_detail::compare_leaves(old, now);
    }
    return Change::NeedsBreak;
}

// Returns whether one store may make the change. `resizes_live` says that this machine tolerates changes of
// size without faults: FEAT_BBM level 2 without TLB conflict aborts, on every CPU.
constexpr bool is_allowed(Change change, bool resizes_live)
{
    return change != Change::NeedsBreak && (change != Change::Resize || resizes_live);
}

static_assert(is_allowed(Change::Fresh, false) && is_allowed(Change::Unmap, false) &&
              is_allowed(Change::Permission, false));
static_assert(!is_allowed(Change::Resize, false) && is_allowed(Change::Resize, true));
static_assert(!is_allowed(Change::NeedsBreak, true));

} // namespace percival::mm
