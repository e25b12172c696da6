// SPDX-License-Identifier: BSD-2-Clause
// Changes the protection or the validity of mapped pages: set_memory() on any tree of the page-table engine.
//
// A change is made in three steps:
//
//   check    every page of the range is looked at, and the tables that isolate needs are set aside: every
//            refusal comes from here, and nothing is stored
//   isolate  blocks and runs that cross an end of the range are split, so that all translations stay the same
//   apply    the leaves of the range are replaced, and the TLBs are flushed
//
// Only isolate needs tables, and how many is known before: a change for which there are too few stores
// nothing, so that every block stays as it is. The most frequent changes, those of one page that is mapped
// alone or lies in a block, have a shorter way through the same steps.
//
// The caller serializes all changes of the leaves in question: of an area of vmalloc as its owner, and of the
// linear map by a lock, because there a block or a run may belong to several owners.
//
// INV-memory_editor-1: with Breaks::Never a leaf is replaced by another valid one only if its protection
//     alone changes, or its size on a machine that resizes live. Such memory may be in use by any CPU.
// INV-memory_editor-2: when a change returns, no CPU translates through what it replaced.
#pragma once

#include "mm/page_table/block_parts.hpp"
#include "mm/page_table/entry_visitor.hpp"
#include "mm/page_table/environment.hpp"
#include "mm/page_table/leaf_editor.hpp"
#include "mm/set_memory/memory_change.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

// Whether leaves may be broken and made anew (mm/page_table/leaf_editor.hpp).
enum class Breaks : u8 { Never, Allowed };

template <class G, PteFormat Pte, PageTableEnvironment<Pte> Env>
class MemoryEditor {
public:
    using Result = std::expected<void, SetMemoryError>;

    // `Env` also has set_aside(): whether some allocations will succeed (mm/set_memory/table_stock.hpp).
    MemoryEditor(PhysAddr root, Env& env, Breaks breaks)
        : walker_{root, env}, env_{env}, writer_{env}, breaks_{breaks}
    {
    }

    // Makes `change` on all pages of `range`, which is aligned to pages, or on none. Errors: NotMapped,
    // WriteAndExecute, NotSplittable, NoMemory.
    Result change(VirtRange range, MemoryChange change)
    {
        if (range.is_empty())
            return {};
        const Walk<G, Pte> first = walker_.walk(range.base);
        if (is_table_part(first, range)) [[likely]]
            return change_table_part(first, range, change);
        if (is_page_in_block(first, range))
            return change_page_in_block(first, range.base, change);
        return isolate_and_change(first, range, change);
    }

private:
    static constexpr Level kBlockLevel = kLastLevel.up();

    // Makes the change on a range that begins in `first`, after what cuts its ends is divided.
    Result isolate_and_change(const Walk<G, Pte>& first, VirtRange range, MemoryChange change)
    {
        if (Result result = check(first, range, change); !result)
            return result;
        if (!env_.set_aside(tables_needed(first, range)))
            return std::unexpected{SetMemoryError::NoMemory};
        TlbBatch<G, Env> batch{env_};
        const auto isolated = isolate(first, range.base, batch);
        if (!isolated)
            return std::unexpected{SetMemoryError::NoMemory};
        if (is_table_part(*isolated, range))
            return change_table_part(*isolated, range, change);
        if (!isolate(walker_.walk(range.end()), range.end(), batch))
            return std::unexpected{SetMemoryError::NoMemory};
        apply(range, change, batch);
        env_.publish(); // pages that are valid again; the batch flushes the others (INV-memory_editor-2)
        return {};
    }

    // Returns whether leaves may be split and runs unfolded (INV-memory_editor-1).
    bool may_split() const { return breaks_ == Breaks::Allowed || writer_.resizes_live(); }

    // Returns whether `range`, where `first` begins, is mapped by pages of one table, and no run crosses its
    // ends. Then nothing has to be walked again and nothing isolated.
    static bool is_table_part(const Walk<G, Pte>& first, VirtRange range)
    {
        const u64 count = range.size.count() >> G::kPageShift;
        if (!first.level.is_last() || G::index(kLastLevel, range.base) + count > G::entries(kLastLevel))
            return false;
        return !first.pte.is_contiguous() && !load_descriptor(first.slot + (count - 1)).is_contiguous();
    }

    // Makes the change on such a range.
    [[gnu::always_inline]] Result change_table_part(const Walk<G, Pte>& first, VirtRange range,
                                                    MemoryChange change)
    {
        return range.size == G::kPageSize ? change_page(first, range.base, change)
                                          : change_slots(first.slot, range, change);
    }

    // Makes the change on such a range of one page. Inline, because this is by far the most frequent change.
    [[gnu::always_inline]] Result change_page(const Walk<G, Pte>& page, VirtAddr at, MemoryChange change)
    {
        if (leaf_behind(page.pte).kind(kLastLevel) != PteKind::Leaf)
            return std::unexpected{SetMemoryError::NotMapped};
        const auto now = changed(page.pte, kLastLevel, change);
        if (!now)
            return std::unexpected{now.error()};
        writer_.write(page.slot, *now, kLastLevel);
        env_.publish();
        if (page.kind() == PteKind::Leaf && *now != page.pte)
            TlbBatch<G, Env, arch::TlbScope::AllCpus, 1>{env_}.add_leaves({at, G::kPageSize}, G::kPageSize);
        return {};
    }

    // Returns whether `range` is one page of a block, which is in no run and one level above the last.
    static bool is_page_in_block(const Walk<G, Pte>& first, VirtRange range)
    {
        return range.size == G::kPageSize && first.level == kBlockLevel && first.kind() == PteKind::Leaf &&
               !first.pte.is_contiguous();
    }

    // Makes the change on the page at `at` of such a block.
    Result change_page_in_block(const Walk<G, Pte>& found, VirtAddr at, MemoryChange change)
    {
        if (!may_split())
            return std::unexpected{SetMemoryError::NotSplittable};
        const Walk<G, Pte> block{found.slot, found.pte, kBlockLevel}; // all that depends on the level folds
        const Bytes before = at - at.align_down(G::entry_size(kBlockLevel));
        const Pte page = Pte::leaf(block.pte.address() + before, kLastLevel, block.pte.attributes());
        const auto now = changed(page, kLastLevel, change);
        if (!now)
            return std::unexpected{now.error()};
        if (!env_.set_aside(1))
            return std::unexpected{SetMemoryError::NoMemory};
        TlbBatch<G, Env> batch{env_};
        if (!LeafEditor<G, Pte, Env>{walker_, env_, batch}.replace_page(block, at, *now))
            return std::unexpected{SetMemoryError::NoMemory};
        return {};
    }

    // Makes the change in the slots of a range that is part of a table.
    Result change_slots(Pte* first, VirtRange range, MemoryChange change)
    {
        const u64 count = range.size.count() >> G::kPageShift;
        for (u64 n = 0; n < count; ++n) {
            if (Result result = check(load_descriptor(first + n), kLastLevel, change); !result)
                return result;
        }
        TlbBatch<G, Env> batch{env_};
        for (u64 n = 0; n < count; ++n)
            replace(first + n, load_descriptor(first + n), kLastLevel, range.base + G::kPageSize * n, change,
                    batch);
        env_.publish();
        return {};
    }

    // Returns the size of the leaf that `found` is or keeps, or of the run that this is part of.
    static Bytes reach_of(const Walk<G, Pte>& found)
    {
        return Walk<G, Pte>{found.slot, leaf_behind(found.pte), found.level}.reach();
    }

    // `first` is the entry in which the range begins.
    Result check(const Walk<G, Pte>& first, VirtRange range, MemoryChange change) const
    {
        if (!may_split() && (cuts_leaf(range.base) || cuts_leaf(range.end())))
            return std::unexpected{SetMemoryError::NotSplittable};
        const VirtAddr entry = range.base.align_down(G::entry_size(first.level));
        if (range.end() - entry <= G::entry_size(first.level))
            return check(first.pte, first.level, change);
        Result result{};
        for_each_entry(walker_, range, [&](const Walk<G, Pte>& found, VirtAddr) {
            result = check(found.pte, found.level, change);
            return result.has_value();
        });
        return result;
    }

    Result check(Pte old, Level level, MemoryChange change) const
    {
        const Pte leaf = leaf_behind(old);
        if (leaf.kind(level) != PteKind::Leaf)
            return std::unexpected{SetMemoryError::NotMapped};
        const auto protection = changed_protection(leaf.attributes().protection, change);
        if (!protection)
            return std::unexpected{protection.error()};
        if (!may_split() && changes_in_run(old, *changed(old, level, change), level))
            return std::unexpected{SetMemoryError::NotSplittable};
        return {};
    }

    bool cuts_leaf(VirtAddr boundary) const
    {
        const Walk<G, Pte> found = walker_.walk(boundary);
        return found.kind() == PteKind::Leaf && !boundary.is_aligned(found.reach());
    }

    // Returns whether an entry at `level` that serves `boundary` goes on beyond it.
    static bool is_cut(Level level, VirtAddr boundary) { return !boundary.is_aligned(G::entry_size(level)); }

    // Returns how many tables isolate() will take: one for each block, valid or kept, that an end of the
    // range cuts, and again for the smaller block in the new table. `first` is where the range begins.
    u64 tables_needed(const Walk<G, Pte>& first, VirtRange range) const
    {
        const auto share_entry = [range](Level level) {
            return range.end() - range.base.align_down(G::entry_size(level)) < G::entry_size(level);
        };
        const Walk<G, Pte> last = share_entry(first.level) ? first : walker_.walk(range.end());
        u64 needed = 0;
        if (leaf_behind(first.pte).kind(first.level) == PteKind::Leaf) {
            for (Level level = first.level; is_cut(level, range.base); level = level.down())
                ++needed;
        }
        if (leaf_behind(last.pte).kind(last.level) == PteKind::Leaf) {
            for (Level level = last.level; is_cut(level, range.end()); level = level.down())
                needed += share_entry(level) && is_cut(level, range.base) ? 0 : 1;
        }
        return needed;
    }

    // Returns whether an entry of a run gets another protection while it is valid: all entries of a run must
    // agree, so the run has to be broken or unfolded.
    static bool changes_in_run(Pte old, Pte now, Level level)
    {
        return old.is_contiguous() && old.kind(level) == PteKind::Leaf && now.kind(level) == PteKind::Leaf &&
               now != old;
    }

    // Lets no leaf and no run cross `boundary`, whether they are valid or kept. A walk to the boundary has
    // found `found`. Returns where a walk ends then, or nothing if there is no memory for a table.
    std::optional<Walk<G, Pte>> isolate(Walk<G, Pte> found, VirtAddr boundary, TlbBatch<G, Env>& batch)
    {
        while (leaf_behind(found.pte).kind(found.level) == PteKind::Leaf &&
               !boundary.is_aligned(reach_of(found))) {
            const auto divided = found.pte.keeps_leaf()
                                     ? divide_kept(found, boundary)
                                     : LeafEditor<G, Pte, Env>{walker_, env_, batch}.divide(found, boundary);
            if (!divided)
                return std::nullopt;
            found = *divided;
        }
        return found;
    }

    // Does for a kept leaf what LeafEditor::divide() does for a valid one.
    std::optional<Walk<G, Pte>> divide_kept(const Walk<G, Pte>& found, VirtAddr boundary)
    {
        if (found.pte.is_contiguous())
            unfold_kept(found, boundary);
        else if (!split_kept(found))
            return std::nullopt;
        return walker_.walk(boundary);
    }

    // Removes the hint from the kept entries of a run. No TLB holds them.
    void unfold_kept(const Walk<G, Pte>& found, VirtAddr inside)
    {
        const u64 count = G::contiguous_entries(found.level);
        Pte* first = found.slot - (G::index(found.level, inside) & (count - 1));
        for (u64 n = 0; n < count; ++n)
            writer_.write(first + n, load_descriptor(first + n).with_contiguous(false), found.level);
    }

    // Replaces a kept block by a table that keeps the same in smaller leaves.
    bool split_kept(const Walk<G, Pte>& found)
    {
        const std::optional<PhysAddr> page = allocate_unfilled(env_);
        if (!page)
            return false;
        const Level lower = found.level.down();
        const Pte first = first_part_of(found.pte.restored(), lower).kept();
        fill_with_parts<G>(writer_, env_.table(*page), first, lower);
        env_.publish();
        writer_.write(found.slot, Pte::table(*page), found.level);
        return true;
    }

    // No leaf and no run crosses an end of the range, and no entry is refused.
    void apply(VirtRange range, MemoryChange change, TlbBatch<G, Env>& batch)
    {
        for_each_entry(walker_, range, [&](const Walk<G, Pte>& found, VirtAddr at) {
            replace(found.slot, found.pte, found.level, at, change, batch);
            return true;
        });
    }

    // Replaces an entry, or the whole run that begins with it.
    void replace(Pte* slot, Pte old, Level level, VirtAddr at, MemoryChange change, TlbBatch<G, Env>& batch)
    {
        const Pte now = *changed(old, level, change);
        if (changes_in_run(old, now, level)) {
            LeafEditor<G, Pte, Env>{walker_, env_, batch}.set_attributes({slot, old, level}, at,
                                                                         now.attributes());
        } else if (now != old) {
            writer_.write(slot, now, level);
            if (old.kind(level) == PteKind::Leaf)
                batch.add_leaves({at, G::entry_size(level)}, G::entry_size(level));
        }
    }

    PageTableWalker<G, Pte, Env> walker_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
    Breaks breaks_;
};

} // namespace percival::mm
