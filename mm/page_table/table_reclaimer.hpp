// SPDX-License-Identifier: BSD-2-Clause
// Frees tables that have become empty. The root itself is never freed. The caller serializes changes to the
// tree.
//
// reclaim() is for the lower tables of one root: a table that several roots link to must stay, because the
// other roots still lead to it. reclaim_below_root() is for shared tables: it leaves those that an entry of
// the root leads to. It also leaves tables that serve other addresses than the caller's, because their owners
// may be about to use them.
#pragma once

#include "mm/page_table/descriptor_access.hpp"
#include "mm/page_table/tlb_batch.hpp"

namespace percival::mm {

template <class G, PteFormat Pte, class Env>
class TableReclaimer {
public:
    TableReclaimer(Env& env, TlbBatch<G, Env>& batch) : env_{env}, writer_{env}, batch_{batch} {}

    // Unlinks the empty tables that serve addresses of `range`, lowest level first, and hands them to the
    // batch.
    void reclaim(PhysAddr root, VirtRange range)
    {
        if (!range.is_empty())
            visit<Extent::Any>(root, G::kRootLevel, range.base, range.end() - Bytes{1});
    }

    // Does the same with those tables only that lie below a root's own entries and serve no other addresses
    // than `range`. The caller owns all of these addresses.
    void reclaim_below_root(PhysAddr root, VirtRange range)
    {
        if (!range.is_empty())
            visit<Extent::WholeBelowRoot>(root, G::kRootLevel, range.base, range.end() - Bytes{1});
    }

private:
    enum class Extent : u8 { Any, WholeBelowRoot };

    // Visits the entries of `table` for the addresses from `first` to `last`, which are both in its reach.
    template <Extent E>
    void visit(PhysAddr table, Level level, VirtAddr first, VirtAddr last)
    {
        if (level.is_last())
            return;
        const Bytes step = G::entry_size(level);
        for (VirtAddr at = first;;) {
            const VirtAddr entry_last = at.align_down(step) + (step - Bytes{1});
            Pte* slot = env_.table(table) + G::index(level, at);
            const Pte pte = load_descriptor(slot);
            if (pte.kind(level) == PteKind::Table) {
                visit<E>(pte.address(), level.down(), at, std::min(last, entry_last));
                const bool is_whole = at.is_aligned(step) && entry_last <= last;
                if (E == Extent::Any || (is_whole && level != G::kRootLevel))
                    unlink_if_empty(slot, pte, level, at);
            }
            if (entry_last >= last)
                return;
            at = entry_last + Bytes{1};
        }
    }

    void unlink_if_empty(Pte* slot, Pte pte, Level level, VirtAddr at)
    {
        if (!is_empty(pte.address(), level.down()))
            return;
        writer_.write(slot, Pte{}, level);
        batch_.add_table(at, pte.address());
    }

    bool is_empty(PhysAddr table, Level level)
    {
        const Pte* entries = env_.table(table);
        for (u64 index = 0; index < G::entries(level); ++index) {
            if (load_descriptor(entries + index) != Pte{})
                return false;
        }
        return true;
    }

    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
    TlbBatch<G, Env>& batch_;
};

} // namespace percival::mm
