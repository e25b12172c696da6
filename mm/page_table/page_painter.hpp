// SPDX-License-Identifier: BSD-2-Clause
// Turns all leaves of a range into single pages, in two steps, so that the second one is short:
//
//   prepare()   makes the tables that take the place of the blocks, complete with their pages. It changes
//               nothing in the tree, and is the only step that needs memory.
//   paint()     takes the contiguous hint from every run, flushes, links the tables, and flushes.
//
// All translations stay the same. Each step of paint() changes the size of leaves only, so the CPUs that walk
// the tree meanwhile must allow that: Env::resizes_live() is true. A tree that other CPUs use as well is
// painted while these are off their roots (arch/mmu/off_root.hpp).
//
// Invariant: a table is complete, and its contents are visible to walkers, before it is linked.
#pragma once

#include "mm/page_table/block_parts.hpp"
#include "mm/page_table/entry_visitor.hpp"
#include "mm/page_table/tlb_batch.hpp"

#include <expected>
#include <optional>
#include <span>

namespace percival::mm {

template <class G, PteFormat Pte, class Env>
class PagePainter {
public:
    using Batch = TlbBatch<G, Env>;

    PagePainter(PhysAddr root, Env& env) : walker_{root, env}, env_{env}, writer_{env} {}

    // Returns `range` together with the rest of the leaves and runs that its ends cut. All other functions
    // are called with such a range, taken before paint().
    VirtRange whole_leaves(VirtRange range) const
    {
        if (range.is_empty())
            return range;
        const Walk<G, Pte> first = walker_.walk(range.base), last = walker_.walk(range.end() - G::kPageSize);
        VirtAddr base = range.base, end = range.end();
        if (first.kind() == PteKind::Leaf)
            base = base.align_down(first.reach());
        if (last.kind() == PteKind::Leaf)
            end = (end - G::kPageSize).align_down(last.reach()) + last.reach();
        return {base, end - base};
    }

    // Returns the number of blocks in `range`.
    u64 count_blocks(VirtRange range) const
    {
        u64 count = 0;
        for_each_block(range, [&count](const Walk<G, Pte>&, VirtAddr) {
            ++count;
            return true;
        });
        return count;
    }

    // Makes a table for each block in `range`, in the order of addresses, and notes it in `tables`,
    // which has room for count_blocks(). Error: NoMemory; then no table is left. Nothing else may change the
    // range until paint() or discard().
    std::expected<void, MapError> prepare(VirtRange range, std::span<PhysAddr> tables)
    {
        std::size_t made = 0;
        const bool complete = for_each_block(range, [&](const Walk<G, Pte>& block, VirtAddr) {
            const auto table = make_table(block.pte, block.level);
            if (table)
                tables[made++] = *table;
            return table.has_value();
        });
        env_.publish();
        if (complete)
            return {};
        discard(range, tables.first(made));
        return std::unexpected{MapError::NoMemory};
    }

    // Frees the first of the tables that prepare() made for the blocks of `range`.
    void discard(VirtRange range, std::span<const PhysAddr> tables)
    {
        std::size_t next = 0;
        for_each_block(range, [&](const Walk<G, Pte>& block, VirtAddr) {
            if (next == tables.size())
                return false;
            free_table(tables[next++], block.level.down());
            return true;
        });
    }

    // Paints `range`, for which prepare() made `tables`. Afterwards it consists of pages without the
    // contiguous hint, and of the holes that it had.
    void paint(VirtRange range, std::span<const PhysAddr> tables, Batch& batch)
    {
        for_each_entry(walker_, range, [&](const Walk<G, Pte>& leaf, VirtAddr) {
            if (leaf.is_in_run())
                writer_.write(leaf.slot, leaf.pte.with_contiguous(false), leaf.level);
            return true;
        });
        // The hint must have left the TLBs before anything else about the entries of a run changes. One TLBI
        // for everything is less than one for each leaf.
        batch.add_everything();
        batch.flush();
        std::size_t next = 0;
        for_each_block(range, [&](const Walk<G, Pte>& block, VirtAddr) {
            writer_.write(block.slot, Pte::table(tables[next++]), block.level);
            return true;
        });
        batch.add_everything();
        batch.flush();
    }

private:
    template <class Visit>
    bool for_each_block(VirtRange range, Visit visit) const
    {
        return for_each_entry(walker_, range, [&visit](const Walk<G, Pte>& found, VirtAddr at) {
            return found.kind() != PteKind::Leaf || found.level.is_last() || visit(found, at);
        });
    }

    // Returns a table that maps the same as `block`, by pages.
    std::optional<PhysAddr> make_table(Pte block, Level level)
    {
        const auto page = env_.allocate();
        if (!page)
            return std::nullopt;
        const Level lower = level.down();
        Pte* entries = env_.table(*page);
        const Pte first = first_part_of(block, lower);
        if (lower.is_last()) {
            fill_with_parts<G>(writer_, entries, first, lower);
            return page;
        }
        for (u64 index = 0; index < G::entries(lower); ++index) {
            const auto table = make_table(Pte{first.raw() + index * G::entry_size(lower).count()}, lower);
            if (!table) {
                free_table(*page, lower);
                return std::nullopt;
            }
            writer_.write(entries + index, Pte::table(*table), lower);
        }
        return page;
    }

    // Frees a table of `level` that was never linked, complete or not, and those below it.
    void free_table(PhysAddr table, Level level)
    {
        if (!level.is_last()) {
            for (u64 index = 0; index < G::entries(level); ++index) {
                const Pte entry = load_descriptor(env_.table(table) + index);
                if (entry.kind(level) == PteKind::Table)
                    free_table(entry.address(), level.down());
            }
        }
        env_.free(table);
    }

    PageTableWalker<G, Pte, Env> walker_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
};

} // namespace percival::mm
