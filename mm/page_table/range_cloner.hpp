// SPDX-License-Identifier: BSD-2-Clause
// Copies what a tree maps in a range into another tree: every leaf with its level, its attributes and its
// contiguous hint, and every invalid entry as it is. The copy has tables of its own.
//
// No CPU walks the copy meanwhile. The caller serializes changes of the copy, and of the entries of `range`
// in the original if it wants them as they were at one moment.
#pragma once

#include "mm/page_table/entry_visitor.hpp"
#include "mm/page_table/table_maker.hpp"
#include "mm/page_table/table_reclaimer.hpp"

#include <expected>

namespace percival::mm {

template <class G, PteFormat Pte, class Env>
class RangeCloner {
public:
    // `to` maps nothing in the ranges that are cloned or freed.
    RangeCloner(PhysAddr from, PhysAddr to, Env& env)
        : from_{from, env}, to_{to, env}, tables_{to, env}, env_{env}, writer_{env}
    {
    }

    // Clones `range`, whose ends no leaf crosses, and publishes. Error: NoMemory; then some of the range may
    // be cloned, and free() takes it back.
    std::expected<void, MapError> clone(VirtRange range)
    {
        Pte* slot = nullptr; // in the copy, of the entry that was visited last
        Level level = G::kRootLevel;
        const bool complete = for_each_entry(from_, range, [&](const Walk<G, Pte>& entry, VirtAddr at) {
            if (entry.pte == Pte{}) {
                slot = nullptr;
                return true;
            }
            // The next entry of a table is copied to the next slot without a walk.
            if (slot != nullptr && level == entry.level && G::index(level, at) != 0) {
                ++slot;
            } else {
                const auto table = tables_.table_for(at, entry.level);
                if (!table)
                    return false;
                level = entry.level;
                slot = table->entries + G::index(level, at);
            }
            writer_.fill_invalid(slot, 1, entry.pte, G::entry_size(level));
            return true;
        });
        env_.publish();
        return complete ? std::expected<void, MapError>{} : std::unexpected{MapError::NoMemory};
    }

    // Unmaps `range` in the copy, and frees the tables of the copy that serve nothing else. No CPU walks the
    // copy any more, and no TLB holds anything of it.
    void free(VirtRange range)
    {
        for_each_entry(to_, range, [&](const Walk<G, Pte>& entry, VirtAddr) {
            if (entry.pte != Pte{})
                writer_.clear_leaves(entry.slot, 1);
            return true;
        });
        TlbBatch<G, Env> batch{env_};
        TableReclaimer<G, Pte, Env>{env_, batch}.reclaim(to_.root(), range);
    }

private:
    PageTableWalker<G, Pte, Env> from_;
    PageTableWalker<G, Pte, Env> to_;
    TableMaker<G, Pte, Env> tables_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
};

} // namespace percival::mm
