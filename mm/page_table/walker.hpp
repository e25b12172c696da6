// SPDX-License-Identifier: BSD-2-Clause
// Follows an address through a translation tree in software. Reads only. Any context in which Env::table()
// works.
#pragma once

#include "mm/page_table/descriptor_access.hpp"

namespace percival::mm {

// The place where a walk ended.
template <class G, PteFormat Pte>
struct Walk {
    Pte* slot;   // the slot of the last descriptor
    Pte pte;     // its value when it was read
    Level level; // its level

    PteKind kind() const { return pte.kind(level); }
    // Returns whether this is a leaf that shares the contiguous hint with its neighbours.
    bool is_in_run() const { return kind() == PteKind::Leaf && pte.is_contiguous(); }
    // Returns the size that the leaf, or the run it is part of, maps.
    Bytes reach() const { return G::entry_size(level) * (is_in_run() ? G::contiguous_entries(level) : 1); }
};

template <class G, PteFormat Pte, class Env>
class PageTableWalker {
public:
    PageTableWalker(PhysAddr root, Env& env) : root_{root}, env_{env} {}

    PhysAddr root() const { return root_; }

    // Follows `address` down to a leaf or a hole.
    Walk<G, Pte> walk(VirtAddr address) const { return walk_to(address, kLastLevel); }

    // Follows `address` down to level `last`, or to a leaf or a hole above it.
    Walk<G, Pte> walk_to(VirtAddr address, Level last) const
    {
        PhysAddr table = root_;
        for (Level level = G::kRootLevel;; level = level.down()) {
            Pte* slot = env_.table(table) + G::index(level, address);
            const Pte pte = load_descriptor(slot);
            if (level >= last || pte.kind(level) != PteKind::Table)
                return {slot, pte, level};
            table = pte.address();
        }
    }

    // Returns whether every page of `range` is mapped.
    bool is_mapped(VirtRange range) const
    {
        VirtAddr at = range.base;
        while (range.contains(at)) {
            const Walk<G, Pte> found = walk(at);
            if (found.kind() != PteKind::Leaf)
                return false;
            const Bytes size = G::entry_size(found.level);
            // Examines the neighbours in the same table without another walk.
            const u64 room = G::entries(found.level) - G::index(found.level, at);
            at = at.align_down(size) + size;
            for (u64 n = 1; n < room && range.contains(at); ++n, at += size) {
                if (load_descriptor(found.slot + n).kind(found.level) != PteKind::Leaf)
                    break;
            }
        }
        return true;
    }

private:
    PhysAddr root_;
    Env& env_;
};

} // namespace percival::mm
