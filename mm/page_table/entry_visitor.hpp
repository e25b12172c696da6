// SPDX-License-Identifier: BSD-2-Clause
// Visits the entries of a tree that serve a range of addresses: the leaves and the holes, each once, in the
// order of addresses. Reads each table that it passes once, by one walk.
#pragma once

#include "mm/page_table/walker.hpp"

namespace percival::mm {

// Calls visit(Walk, VirtAddr) for each leaf and each invalid entry that overlaps `range`, with the address at
// which the entry begins. An entry may reach past the ends of the range. `visit` may replace the entry that
// it is called for, and returns whether to go on. Returns false if a visit did.
//
// The caller serializes changes to the entries of `range`. Tables that lead there must stay.
template <class G, PteFormat Pte, class Env, class Visit>
bool for_each_entry(const PageTableWalker<G, Pte, Env>& walker, VirtRange range, Visit visit)
{
    for (VirtAddr at = range.base; range.contains(at);) {
        const Walk<G, Pte> first = walker.walk(at);
        const Bytes size = G::entry_size(first.level);
        const u64 room = G::entries(first.level) - G::index(first.level, at);
        at = at.align_down(size);
        for (u64 n = 0; n < room && (n == 0 || range.contains(at)); ++n, at += size) {
            const Walk<G, Pte> found{first.slot + n, load_descriptor(first.slot + n), first.level};
            if (found.kind() == PteKind::Table)
                break; // the next walk goes down there
            if (!visit(found, at))
                return false;
        }
    }
    return true;
}

} // namespace percival::mm
