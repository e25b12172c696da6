// SPDX-License-Identifier: BSD-2-Clause
// Changes leaves that CPUs are using: splits blocks, unfolds contiguous runs, and does break-before-make.
//
// Between break and make the address is not mapped, and a CPU that uses it faults. Env::Break announces the
// break to the fault handlers, so that they wait and retry instead of reporting the fault
// (mm/kernel_map/spurious_fault.hpp). Memory that the change itself or a fault handler needs (code, stacks,
// tables) must never be broken: callers map such memory by single pages. Where Env::resizes_live() returns
// true, a change of size breaks nothing.
//
// Invariants:
// * A new table is complete, and its contents are visible to walkers, before it is linked.
// * All entries of a contiguous run are broken before any of them is made anew (Arm ARM D8.7.1).
#pragma once

#include "mm/page_table/block_parts.hpp"
#include "mm/page_table/environment.hpp"
#include "mm/page_table/tlb_batch.hpp"
#include "mm/page_table/walker.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

template <class G, PteFormat Pte, class Env>
class LeafEditor {
public:
    using Batch = TlbBatch<G, Env>;

    LeafEditor(PageTableWalker<G, Pte, Env> walker, Env& env, Batch& batch)
        : walker_{walker}, env_{env}, writer_{env}, batch_{batch}
    {
    }

    // Splits and unfolds leaves until neither a leaf nor a run crosses `boundary`. All translations stay the
    // same, so a caller that gives up after an error here has changed nothing. Error: NoMemory.
    std::expected<void, MapError> isolate(VirtAddr boundary)
    {
        std::optional<Walk<G, Pte>> found = walker_.walk(boundary);
        while (found->kind() == PteKind::Leaf && !boundary.is_aligned(found->reach())) {
            found = divide(*found, boundary);
            if (!found)
                return std::unexpected{MapError::NoMemory};
        }
        return {};
    }

    // Unfolds the run or splits the block that crosses `boundary`, where the walk found it. All translations
    // stay the same. Returns where a walk to `boundary` ends now, or nothing, with nothing changed, if there
    // is no memory for a table.
    std::optional<Walk<G, Pte>> divide(const Walk<G, Pte>& leaf, VirtAddr boundary)
    {
        if (!leaf.is_in_run())
            return split(leaf, boundary);
        unfold(leaf, boundary);
        return Walk<G, Pte>{leaf.slot, leaf.pte.with_contiguous(false), leaf.level};
    }

    // Splits `block`, which is one level above the last and in no run, and replaces the page at `at` by
    // `page`, which may have another protection or be invalid. Where the block has to be broken, one break
    // serves both. Where it changes its size live, the page changes afterwards (resize_live()). Queues the
    // invalidation of what is not flushed. Returns false, with nothing changed, if there is no memory for a
    // table.
    [[gnu::always_inline]] bool replace_page(const Walk<G, Pte>& block, VirtAddr at, Pte page)
    {
        const std::optional<PhysAddr> table = allocate_unfilled(env_);
        if (!table)
            return false;
        Pte* entries = env_.table(*table);
        Pte* slot = entries + G::index(kLastLevel, at);
        const bool is_live = writer_.resizes_live();
        fill_lower(entries, block, {at, G::kPageSize});
        if (!is_live)
            writer_.fill_invalid(slot, 1, page, G::kPageSize);
        link(block, at, *table, is_live);
        if (is_live) {
            writer_.write(slot, page, kLastLevel);
            batch_.add_leaves({at, G::kPageSize}, G::kPageSize);
        }
        return true;
    }

    // Gives other attributes to the leaf at `at`, or to the whole run that begins there.
    void set_attributes(const Walk<G, Pte>& leaf, VirtAddr at, Attributes attributes)
    {
        if (leaf.is_in_run() && writer_.resizes_live())
            unfold(leaf, at);
        const Pte old = load_descriptor(leaf.slot);
        const Pte now = Pte::leaf(old.address(), leaf.level, attributes).with_contiguous(old.is_contiguous());
        if (is_allowed(classify(old, now, leaf.level), writer_.resizes_live()))
            write_live(leaf, at, now);
        else
            remake(leaf.slot, entries_of(leaf), leaf.level, at, now);
    }

private:
    static Bytes size_of(Level level) { return G::entry_size(level); }

    // Returns the number of entries of the leaf, or of the run that it was part of when the walk found it.
    static u64 entries_of(const Walk<G, Pte>& leaf)
    {
        return leaf.is_in_run() ? G::contiguous_entries(leaf.level) : 1;
    }

    // Replaces all entries of the leaf without a break, and queues their invalidation.
    [[gnu::always_inline]] void write_live(const Walk<G, Pte>& leaf, VirtAddr at, Pte now)
    {
        const u64 count = entries_of(leaf);
        writer_.write_leaf(leaf.slot, count, now, leaf.level, size_of(leaf.level));
        batch_.add_leaves({at, size_of(leaf.level) * count}, size_of(leaf.level));
    }

    // Makes a change of size, then flushes. FEAT_BBM allows only the size to differ, so the old size must
    // leave the TLBs before anything else about the entries changes.
    template <class Change>
    [[gnu::always_inline]] void resize_live(Change change)
    {
        change();
        env_.publish();
        batch_.flush();
    }

    // Does break-before-make: invalidates `count` neighbouring leaves for every CPU, then writes `value` and
    // the leaves that follow it. Inline, because `count` is mostly 1.
    [[gnu::always_inline]] void remake(Pte* first, u64 count, Level level, VirtAddr at, Pte value)
    {
        [[maybe_unused]] const auto announced = announce_break();
        writer_.clear_leaves(first, count);
        batch_.add_leaves({at, size_of(level) * count}, size_of(level));
        batch_.flush();
        writer_.fill_invalid(first, count, value, size_of(level));
        env_.publish();
    }

    static auto announce_break()
    {
        if constexpr (requires { typename Env::Break; })
            return typename Env::Break{};
        else
            return nullptr;
    }

    // Removes the contiguous hint from the run that contains `inside`.
    void unfold(const Walk<G, Pte>& leaf, VirtAddr inside)
    {
        const u64 count = G::contiguous_entries(leaf.level);
        const VirtAddr base = inside.align_down(leaf.reach());
        Pte* first = leaf.slot - (G::index(leaf.level, inside) & (count - 1));
        const Pte value = load_descriptor(first).with_contiguous(false);
        if (writer_.resizes_live())
            resize_live([&] { write_live({first, leaf.pte, leaf.level}, base, value); });
        else
            remake(first, count, leaf.level, base, value);
    }

    // Replaces a block by a table of smaller leaves. Returns the one that serves `boundary`, or nothing if
    // there is no memory for the table.
    std::optional<Walk<G, Pte>> split(const Walk<G, Pte>& block, VirtAddr boundary)
    {
        const std::optional<PhysAddr> page = allocate_unfilled(env_);
        if (!page)
            return std::nullopt;
        Pte* table = env_.table(*page);
        fill_lower(table, block, {boundary, Bytes{0}});
        link(block, boundary, *page, writer_.resizes_live());
        const Level lower = block.level.down();
        Pte* slot = table + G::index(lower, boundary);
        return Walk<G, Pte>{slot, load_descriptor(slot), lower};
    }

    // Puts `table`, which is filled, into the place of `block`, which serves `inside`. `is_live`: without a
    // break, so the table maps what the block maps.
    [[gnu::always_inline]] void link(const Walk<G, Pte>& block, VirtAddr inside, PhysAddr table, bool is_live)
    {
        env_.publish();
        const VirtAddr base = inside.align_down(size_of(block.level));
        if (is_live)
            resize_live([&] { write_live(block, base, Pte::table(table)); });
        else
            remake(block.slot, 1, block.level, base, Pte::table(table));
    }

    // Fills `table` with the parts of `block`. All of them get the contiguous hint, except in the runs that
    // an end of `part` cuts.
    [[gnu::always_inline]] void fill_lower(Pte* table, const Walk<G, Pte>& block, VirtRange part)
    {
        const Level lower = block.level.down();
        const Bytes size = size_of(lower);
        const u64 run = G::contiguous_entries(lower);
        const Pte plain = first_part_of(block.pte, lower);
        fill_with_parts<G>(writer_, table, plain.with_contiguous(run > 1), lower);
        const auto unfold_run = [&](VirtAddr inside) {
            const u64 first = G::index(lower, inside) & ~(run - 1);
            writer_.fill_invalid(table + first, run, Pte{plain.raw() + first * size.count()}, size);
        };
        const VirtAddr begins = part.base.align_down(size * run);
        const VirtAddr ends = part.end().align_down(size * run);
        if (part.base != begins)
            unfold_run(begins);
        if (part.end() != ends && (ends != begins || part.base == begins))
            unfold_run(ends);
    }

    PageTableWalker<G, Pte, Env> walker_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
    Batch& batch_;
};

} // namespace percival::mm
