// SPDX-License-Identifier: BSD-2-Clause
// Merges leaves that agree again: pages into contiguous runs and blocks, and blocks into larger ones. Only
// for machines that resize live, because nothing is broken. All translations stay the same.
//
// A table whose place a block takes is unlinked, then all TLB entries for its addresses are invalidated, the
// cached steps of walks included, and then it is freed by Env::free() (INV-tlb_batch-1). So no walk by
// hardware reaches it any more. The caller keeps software from walking the tree meanwhile.
//
// The caller serializes all changes of the tree (linear_map_lock).
#pragma once

#include "mm/page_table/environment.hpp"
#include "mm/page_table/tlb_batch.hpp"
#include "mm/page_table/walker.hpp"

namespace percival::mm {

// What a merge has done.
struct Merged {
    u64 blocks{0}; // blocks that took the place of a table
    u64 runs{0};   // runs that got the contiguous hint
};

template <class G, PteFormat Pte, PageTableEnvironment<Pte> Env>
class MemoryMerger {
public:
    MemoryMerger(PhysAddr root, Env& env) : root_{root}, env_{env}, writer_{env}, batch_{env} {}

    // Merges all that overlaps the addresses that one table of the last level serves: the table with `at`
    // itself, the run that the block is then part of, and so on upwards.
    Merged merge(VirtAddr at)
    {
        merge_below(root_, G::kRootLevel, at);
        return merged_;
    }

private:
    // Merges below `table`, which is of `level` above the last one, and then in it.
    void merge_below(PhysAddr table, Level level, VirtAddr at)
    {
        Pte* entries = env_.table(table);
        const u64 index = G::index(level, at);
        const Pte pte = load_descriptor(entries + index);
        const VirtAddr base = at.align_down(G::entry_size(level));
        if (pte.kind(level) == PteKind::Table) {
            if (!level.down().is_last())
                merge_below(pte.address(), level.down(), at);
            if (!merge_block(entries + index, pte, level, base) && level.down().is_last())
                merge_pages(pte.address(), base);
        }
        merge_run(entries, index & ~(G::contiguous_entries(level) - 1), level, base_of_table(level, at));
        batch_.flush(); // the old sizes leave the TLBs before anything else about the entries changes
    }

    void merge_pages(PhysAddr table, VirtAddr base)
    {
        for (u64 first = 0; first < G::entries(kLastLevel); first += G::contiguous_entries(kLastLevel))
            merge_run(env_.table(table), first, kLastLevel, base);
    }

    // Returns the first address that the table of `level` serves which serves `at`.
    static VirtAddr base_of_table(Level level, VirtAddr at)
    {
        return at.align_down(G::entry_size(level) * G::entries(level));
    }

    // Returns whether `count` entries are leaves that map neighbouring memory, aligned to all of it, with the
    // same attributes.
    static bool agree(const Pte* first, u64 count, Level level)
    {
        const Pte leader = load_descriptor(first).with_contiguous(false);
        const Bytes size = G::entry_size(level);
        if (leader.kind(level) != PteKind::Leaf || !leader.address().is_aligned(size * count))
            return false;
        // The last entry comes first: it is the most likely to differ while a table is merged from its start.
        for (u64 n = count - 1; n > 0; --n) {
            if (load_descriptor(first + n).with_contiguous(false) != Pte{leader.raw() + n * size.count()})
                return false;
        }
        return true;
    }

    // Puts a block into the place of `table`, if the table's leaves agree.
    bool merge_block(Pte* slot, Pte table, Level level, VirtAddr base)
    {
        const Level lower = level.down();
        const Pte* entries = env_.table(table.address());
        if (!G::block_allowed(level) || !agree(entries, G::entries(lower), lower))
            return false;
        const Pte first = load_descriptor(entries);
        writer_.write(slot, Pte::leaf(first.address(), level, first.attributes()), level);
        batch_.add_leaves({base, G::entry_size(level)}, G::entry_size(lower));
        batch_.add_table(base, table.address());
        ++merged_.blocks;
        return true;
    }

    // Gives the contiguous hint to the run that begins at entry `first` of a table, if its entries agree.
    void merge_run(Pte* entries, u64 first, Level level, VirtAddr base)
    {
        const u64 run = G::contiguous_entries(level);
        if (run == 1 || load_descriptor(entries + first).is_contiguous() ||
            !agree(entries + first, run, level))
            return;
        for (u64 n = first; n < first + run; ++n)
            writer_.write(entries + n, load_descriptor(entries + n).with_contiguous(true), level);
        const Bytes size = G::entry_size(level);
        batch_.add_leaves({base + size * first, size * run}, size);
        ++merged_.runs;
    }

    PhysAddr root_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
    TlbBatch<G, Env> batch_;
    Merged merged_{};
};

} // namespace percival::mm
