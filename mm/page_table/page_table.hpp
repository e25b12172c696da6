// SPDX-License-Identifier: BSD-2-Clause
// The page-table engine: maps, unmaps, protects and walks ranges under any root that is given explicitly.
//
//   page_table.hpp          this file: whole operations on ranges
//   environment.hpp         how tables are accessed, made and published
//   walker.hpp              following an address
//   table_maker.hpp         making the tables that lead to an address
//   leaf_mapper.hpp         new leaves in one table: by address, or in known slots
//   leaf_editor.hpp         splitting blocks, unfolding contiguous runs, break-before-make
//   table_reclaimer.hpp     freeing empty tables
//   entry_visitor.hpp       visiting all leaves and holes of a range
//   page_painter.hpp        turning all leaves of a range into pages
//   range_cloner.hpp        copying what a tree maps into another tree
//   descriptor_access.hpp   loads, counts, and the only stores, each checked by descriptor_change.hpp
//   tlb_batch.hpp           invalidation, and when pages may be freed
//
// INV-page_table-1: map() never overwrites a valid entry: an attempt is an error.
// INV-page_table-2: map() publishes once, at its end. TLBs do not cache invalid entries, so it invalidates
//     nothing (Arm ARM D8.13.1).
// INV-page_table-3: an operation that fails leaves every translation as it was.
// INV-page_table-4: a shared table is never freed, and neither is a root. There are two exceptions: a merge
//     of the linear map frees a table that a block has replaced (mm/set_memory/memory_merger.hpp), and
//     clear_with_tables() frees tables whose every address its caller owns.
//
// Nothing here takes locks. Where the environment has link() and the tables are Tables::Shared, several CPUs
// may change one tree at once, each within ranges of addresses that it alone owns. Leaves of different ranges
// are in different slots, so CPUs contend only when they make a table (mm/page_table/table_maker.hpp). A
// block or a contiguous run lies as a whole in the range of one owner. In the linear map it does not, so
// linear_map_lock guards all changes there (mm/kernel_map/linear_map.hpp).
//
// All other callers serialize their changes to one root. These are: callers without link(); callers with
// Tables::Private, because one CPU may need a table that another has just found empty; and callers where
// ranges of several owners meet in one leaf.
#pragma once

#include "mm/page_table/descriptor_access.hpp"
#include "mm/page_table/environment.hpp"
#include "mm/page_table/leaf_editor.hpp"
#include "mm/page_table/leaf_mapper.hpp"
#include "mm/page_table/table_maker.hpp"
#include "mm/page_table/table_reclaimer.hpp"

#include <expected>
#include <span>

namespace percival::mm {

template <class G, PteFormat Pte, PageTableEnvironment<Pte> Env>
class PageTable {
public:
    using Batch = TlbBatch<G, Env>;
    using Result = std::expected<void, MapError>;

    PageTable(PhysAddr root, Env& env, Tables tables = Tables::Shared)
        : walker_{root, env}, env_{env}, writer_{env}, tables_{tables}
    {
    }

    PhysAddr root() const { return walker_.root(); }

    // Follows `address` down to a leaf or a hole; walk_to() goes no further down than `last`.
    Walk<G, Pte> walk(VirtAddr address) const { return walker_.walk(address); }
    Walk<G, Pte> walk_to(VirtAddr address, Level last) const { return walker_.walk_to(address, last); }

    // Maps `range` to physical memory from `to` on (INV-page_table-1, INV-page_table-2). Errors: NoMemory,
    // AlreadyMapped, Misaligned; nothing is mapped then.
    Result map(VirtRange range, PhysAddr to, Attributes attributes, Leaves leaves = Leaves::Largest)
    {
        if (!is_page_aligned(range) || !to.is_aligned(G::kPageSize))
            return std::unexpected{MapError::Misaligned};
        LeafMapper<G, Pte, Env> mapper{root(), env_};
        Bytes so_far{0};
        while (so_far < range.size) {
            const auto mapped =
                mapper.map(range.base + so_far, to + so_far, range.size - so_far, attributes, leaves);
            if (!mapped) {
                undo_map(range, so_far);
                return std::unexpected{mapped.error()};
            }
            so_far = so_far + *mapped;
        }
        env_.publish();
        return {};
    }

    // Maps pages from anywhere in the first kLinearOutput one after another, from `base` on. Where pages form
    // a run they get the contiguous hint. Fails as map() does.
    Result map_pages(VirtAddr base, std::span<const PhysAddr> pages, Attributes attributes)
    {
        const VirtRange range{base, G::kPageSize * pages.size()};
        if (!base.is_aligned(G::kPageSize) || !LeafSlots<G, Pte, Env>::are_mappable(pages))
            return std::unexpected{MapError::Misaligned};
        LeafMapper<G, Pte, Env> mapper{root(), env_};
        for (u64 count = 0; count < pages.size();) {
            const Bytes size = G::kPageSize * count;
            const auto mapped = mapper.map_pages(base + size, pages.subspan(count), attributes);
            if (!mapped) {
                undo_map(range, size);
                return std::unexpected{mapped.error()};
            }
            count += *mapped;
        }
        env_.publish();
        return {};
    }

    // Returns the last-level descriptors of `range` (mm/page_table/leaf_mapper.hpp), after making the tables
    // above them as needed; null if they would be in two tables. They stay there for good, because the tables
    // are shared. Errors: NoMemory, AlreadyMapped (a block is in the way).
    std::expected<Pte*, MapError> slots_for(VirtRange range)
    {
        const u64 index = G::index(kLastLevel, range.base);
        if (index + (range.size.count() >> G::kPageShift) > G::entries(kLastLevel))
            return nullptr;
        const auto table = TableMaker<G, Pte, Env>{root(), env_}.table_for(range.base, kLastLevel);
        if (!table)
            return std::unexpected{table.error()};
        env_.publish();
        return table->entries + index;
    }

    // Invalidates every leaf in `range` without flushing. Skips holes, but empties the invalid descriptors
    // that keep a leaf. No leaf may cross the ends of `range`. Until the caller flushes, neither the memory
    // nor the addresses may be reused. Shared tables only.
    void clear(VirtRange range)
    {
        clear_leaves(range, [](VirtRange, Bytes) {});
    }

    // Invalidates every leaf in `range`, as clear() does, and unlinks the tables that serve nothing but
    // `range`, except those that an entry of the root leads to. The batch's next flushes hand these to
    // Env::free(). The caller owns the addresses: nobody else maps, unmaps or protects anything there, or
    // walks these tables in software once Env::free() has freed them. Shared tables only.
    void clear_with_tables(VirtRange range, Batch& batch)
    {
        clear_leaves(range, batch);
        TableReclaimer<G, Pte, Env>{env_, batch}.reclaim_below_root(root(), range);
    }

    // Returns whether clear() may be used on `range`.
    bool is_mapped_by_whole_leaves(VirtRange range) const
    {
        const auto ends_a_leaf = [this](VirtAddr boundary, VirtAddr inside) {
            return boundary.is_aligned(walk(inside).reach());
        };
        return is_page_aligned(range) && walker_.is_mapped(range) &&
               (range.is_empty() || (ends_a_leaf(range.base, range.base) &&
                                     ends_a_leaf(range.end(), range.end() - G::kPageSize)));
    }

    // Invalidates `range`. After the batch's next flush the memory and the addresses may be reused. Errors:
    // NotMapped (a hole), Misaligned, NoMemory (a block had to be split); nothing is unmapped then.
    Result unmap(VirtRange range, Batch& batch)
    {
        if (Result ready = isolate(range, batch); !ready)
            return ready;
        clear_leaves(range, batch);
        if (tables_ == Tables::Private)
            TableReclaimer<G, Pte, Env>{env_, batch}.reclaim(root(), range);
        return {};
    }

    // Gives `range` other attributes. They hold for every CPU after the batch's next flush. Fails as unmap()
    // does. A change of the memory type, and any change of a contiguous run, goes through break-before-make
    // (mm/page_table/leaf_editor.hpp).
    Result protect(VirtRange range, Attributes attributes, Batch& batch)
    {
        if (Result ready = isolate(range, batch); !ready)
            return ready;
        LeafEditor<G, Pte, Env> editor{walker_, env_, batch};
        for (VirtAddr at = range.base; range.contains(at);) {
            const Walk<G, Pte> leaf = walk(at);
            editor.set_attributes(leaf, at, attributes);
            at += leaf.reach();
        }
        return {};
    }

    // Makes all entries at `level` for `range` point to tables, and creates empty tables where there were
    // none. On the errors AlreadyMapped (a block is in the way) and NoMemory the tables made so far stay, and
    // map nothing.
    Result ensure_tables(VirtRange range, Level level)
    {
        TableMaker<G, Pte, Env> tables{root(), env_};
        const Bytes step = G::entry_size(level);
        const VirtAddr last = (range.end() - Bytes{1}).align_down(step);
        for (VirtAddr at = range.base.align_down(step);; at += step) {
            if (auto found = tables.table_for(at, level.down()); !found)
                return std::unexpected{found.error()};
            if (at == last)
                break;
        }
        env_.publish();
        return {};
    }

private:
    static bool is_page_aligned(VirtRange range)
    {
        return range.base.is_aligned(G::kPageSize) && range.end().is_aligned(G::kPageSize);
    }

    // Reverts map() (INV-page_table-3): unmaps the first `mapped` bytes of `range`, and frees tables made for
    // them.
    void undo_map(VirtRange range, Bytes mapped)
    {
        if constexpr (requires { typename Env::NoWalkers; }) {
            clear_leaves({range.base, mapped}, [](VirtRange, Bytes) {});
        } else {
            // A CPU may have used the new mappings speculatively, so this needs the same flush as unmap().
            Batch batch{env_};
            clear_leaves({range.base, mapped}, batch);
            if (tables_ == Tables::Private)
                TableReclaimer<G, Pte, Env>{env_, batch}.reclaim(root(), range);
            else
                env_.publish(); // the tables that were linked stay
        }
    }

    // Checks a range for unmap() and protect(), and splits leaves that cross its ends.
    Result isolate(VirtRange range, Batch& batch)
    {
        if (!is_page_aligned(range))
            return std::unexpected{MapError::Misaligned};
        if (!walker_.is_mapped(range))
            return std::unexpected{MapError::NotMapped};
        LeafEditor<G, Pte, Env> editor{walker_, env_, batch};
        if (Result result = editor.isolate(range.base); !result || range.is_empty())
            return result;
        return editor.isolate(range.end());
    }

    void clear_leaves(VirtRange range, Batch& batch)
    {
        clear_leaves(range, [&batch](VirtRange leaves, Bytes size) { batch.add_leaves(leaves, size); });
    }

    // Clears the leaves of `range` table by table. No leaf may cross the ends of `range`.
    template <class Cleared>
    void clear_leaves(VirtRange range, Cleared cleared)
    {
        VirtAddr at = range.base;
        while (range.contains(at)) {
            const Walk<G, Pte> found = walk(at);
            const Bytes size = G::entry_size(found.level);
            const u64 room = std::min(G::entries(found.level) - G::index(found.level, at),
                                      (range.end() - at).count() >> G::shift(found.level));
            const u64 count = count_leaves(found.slot, room, found.level);
            if (count == 0) {
                if (found.pte.keeps_leaf())
                    writer_.clear_leaves(found.slot, 1);
                at = at.align_down(size) + size; // a hole
                continue;
            }
            writer_.clear_leaves(found.slot, count);
            cleared({at, size * count}, size);
            at += size * count;
        }
    }

    PageTableWalker<G, Pte, Env> walker_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
    Tables tables_;
};

} // namespace percival::mm
