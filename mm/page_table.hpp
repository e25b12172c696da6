// SPDX-License-Identifier: BSD-2-Clause
// The page-table engine: map, unmap, protect and walk, over any root given explicitly.
//
//   page_table.hpp          this: whole operations on ranges
//   page_table_walker.hpp   following an address
//   leaf_slots.hpp          pages in neighbouring slots of one table
//   leaf_editor.hpp         splitting blocks, unfolding contiguous runs, break-before-make
//   table_reclaimer.hpp     freeing empty tables
//   descriptor_writer.hpp   the only stores, each checked by descriptor_change.hpp
//   tlb_batch.hpp           invalidation, and when pages may be freed
//
// The environment says how a table is reached, where new ones come from and how a descriptor is stored, so
// that the same code runs with the MMU off, on the boot tables, on the linear map, and on a simulated
// machine:
//
//   Pte* Env::table(PhysAddr)                  the table's descriptors, accessible now
//   std::optional<PhysAddr> Env::allocate()    a zeroed table page, its zeroes visible to table walkers before it is returned
//   void Env::store(Pte* slot, Pte value)      one single-copy atomic store of a descriptor
//   void Env::publish()                        orders all stores before later table walks by every CPU
//
// and may have besides:
//
//   void Env::fill(Pte*, u64 count, Pte, Bytes step)   `count` stores of descriptors `step` apart, faster than one by one
//   Pte Env::link(Pte* slot, Pte table)        stores `table` if `slot` is all zero, in one compare-exchange, and returns what
//                                              was there before: for trees that several CPUs edit at once
//   void Env::release(PhysAddr)                takes a table page back that no walker can reach; for Tables::Private, link()
//   void Env::forbidden(Pte old, Pte now, Level)       a change that would break the architecture's rules; does not return
//   bool Env::resizes_live()                   FEAT_BBM level 2 without conflict aborts, on every CPU
//   Env::Break                                 a type: an object of it lives from before live leaves are broken until they are
//                                              made anew (mm/live_break.hpp)
//   Env::NoWalkers                             a type: no CPU walks these tables yet, so there is nothing to invalidate
//
// INV-page_table-1: a valid entry is never overwritten by map(): an attempt is an error.
// INV-page_table-2: map() publishes once, at its end. Invalid entries are not cached by TLBs, so it
//                   invalidates nothing (Arm ARM D8.13.1).
// INV-page_table-3: an operation that fails leaves every translation as it was.
// INV-page_table-4: a shared table is never freed, and neither is a root.
//
// Nothing here takes locks. Where the environment has link() and the tables are Tables::Shared, callers own
// addresses and not the tree: several CPUs may change one tree at once, each within ranges that are its
// alone. Leaves of different ranges stand in different slots, so only the making of a table is contended: one
// link wins, and the loser goes on in the winner's table, which stays, as no shared table is ever freed. A
// block or a contiguous run lies in one owner's range as a whole.
//
// That CPU B's publish() covers a table that A linked, and maybe has not published yet: B has read A's
// descriptor, and what one observer has read no other misses (other-multi-copy atomicity, Arm ARM B2.3), B's
// own walker and everyone's among them; B's DSB then orders its leaves after it. The zeroes in it A published
// before it linked.
//
// All other callers serialize their changes to one root: without link(), with Tables::Private (a table that
// is empty here may be wanted there), and where ranges of several owners meet in one leaf.
#pragma once

#include "mm/leaf_editor.hpp"
#include "mm/leaf_slots.hpp"
#include "mm/table_reclaimer.hpp"

#include <expected>
#include <optional>
#include <span>

namespace percival::mm {

template <class E, class Pte>
concept PageTableEnvironment = requires(E env, PhysAddr address, Pte* slot, Pte value) {
    { env.table(address) } -> std::same_as<Pte*>;
    { env.allocate() } -> std::same_as<std::optional<PhysAddr>>;
    env.store(slot, value);
    env.publish();
};

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

    // Follows `address` down to a leaf or a hole; or no further than `last`.
    Walk<G, Pte> walk(VirtAddr address) const { return walker_.walk(address); }
    Walk<G, Pte> walk_to(VirtAddr address, Level last) const { return walker_.walk_to(address, last); }

    // Maps `range` to physical memory from `to`. NoMemory, AlreadyMapped or Misaligned: nothing is mapped.
    Result map(VirtRange range, PhysAddr to, Attributes attributes, Leaves leaves = Leaves::Largest)
    {
        if (!is_page_aligned(range) || !to.is_aligned(G::kPageSize))
            return std::unexpected{MapError::Misaligned};
        Bytes done{0};
        while (done < range.size) {
            const auto mapped =
                map_in_one_table(range.base + done, to + done, range.size - done, attributes, leaves);
            if (!mapped) {
                undo_map(range, done);
                return std::unexpected{mapped.error()};
            }
            done = done + *mapped;
        }
        env_.publish();
        return {};
    }

    // Maps pages from anywhere in the first kLinearOutput one behind the other from `base` on, with the contiguous hint where they
    // happen to be a run. Fails as map() does.
    Result map_pages(VirtAddr base, std::span<const PhysAddr> pages, Attributes attributes)
    {
        const VirtRange range{base, G::kPageSize * pages.size()};
        if (!base.is_aligned(G::kPageSize) || !LeafSlots<G, Pte, Env>::are_mappable(pages))
            return std::unexpected{MapError::Misaligned};
        for (u64 done = 0; done < pages.size();) {
            const Bytes so_far = G::kPageSize * done;
            const auto mapped = map_pages_in_one_table(base + so_far, pages.subspan(done), attributes);
            if (!mapped) {
                undo_map(range, so_far);
                return std::unexpected{mapped.error()};
            }
            done += *mapped;
        }
        env_.publish();
        return {};
    }

    // The last-level descriptors of `range` (mm/leaf_slots.hpp), with the tables above them made as needed; null
    // when they stand in two tables. They stay where they are for good, the tables being shared. NoMemory, AlreadyMapped (a block is
    // in the way).
    std::expected<Pte*, MapError> slots_for(VirtRange range)
    {
        const u64 index = G::index(kLastLevel, range.base);
        if (index + (range.size.count() >> G::kPageShift) > G::entries(kLastLevel))
            return nullptr;
        const auto table = table_for(range.base, kLastLevel);
        if (!table)
            return std::unexpected{table.error()};
        env_.publish();
        return table->entries + index;
    }

    // Makes a range invalid again out of which no leaf reaches, and flushes nothing: the memory and the addresses
    // stay out of use until the caller has. Holes are left alone. Shared tables only.
    void clear(VirtRange range)
    {
        clear_leaves(range, [](VirtRange, Bytes) {});
    }

    // Whether clear() may be used on `range`.
    bool is_mapped_by_whole_leaves(VirtRange range) const
    {
        const auto ends_a_leaf = [this](VirtAddr boundary, VirtAddr inside) {
            return boundary.is_aligned(walk(inside).reach());
        };
        return is_page_aligned(range) && walker_.is_mapped(range) &&
               (range.is_empty() || (ends_a_leaf(range.base, range.base) &&
                                     ends_a_leaf(range.end(), range.end() - G::kPageSize)));
    }

    // Makes `range` invalid again. The memory and the addresses are free for other use after the batch's next
    // flush. NotMapped (a hole), Misaligned, or NoMemory (a block had to be split): nothing is unmapped.
    Result unmap(VirtRange range, Batch& batch)
    {
        if (Result ready = isolate(range, batch); !ready)
            return ready;
        clear_leaves(range, batch);
        if (tables_ == Tables::Private)
            TableReclaimer<G, Pte, Env>{env_, batch}.reclaim(root(), range);
        return {};
    }

    // Gives `range` other attributes; it holds for every CPU after the batch's next flush. Fails as unmap()
    // does. A change of the memory type, and any change of a contiguous run, goes through break-before-make
    // (mm/leaf_editor.hpp).
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

    // Makes the entries at `level` for all of `range` point to tables, empty ones where there were none.
    // AlreadyMapped (a block is in the way) or NoMemory: the tables made so far stay, and map nothing.
    Result ensure_tables(VirtRange range, Level level)
    {
        const Bytes step = G::entry_size(level);
        const VirtAddr last = (range.end() - Bytes{1}).align_down(step);
        for (VirtAddr at = range.base.align_down(step);; at += step) {
            if (auto found = table_for(at, level.down()); !found)
                return std::unexpected{found.error()};
            if (at == last)
                break;
        }
        env_.publish();
        return {};
    }

private:
    // A table on the way to an address.
    struct Found {
        Pte* entries;
        bool is_new; // just made: all of it that is the caller's is invalid
    };

    static bool is_page_aligned(VirtRange range)
    {
        return range.base.is_aligned(G::kPageSize) && range.end().is_aligned(G::kPageSize);
    }

    static Level largest_leaf(VirtAddr at, PhysAddr to, Bytes left)
    {
        for (Level level = G::kRootLevel; !level.is_last(); level = level.down()) {
            const Bytes size = G::entry_size(level);
            if (G::block_allowed(level) && left >= size && at.is_aligned(size) && to.is_aligned(size))
                return level;
        }
        return kLastLevel;
    }

    // The table at `level` for `at`, with the ones above it made as needed.
    std::expected<Found, MapError> table_for(VirtAddr at, Level level)
    {
        PhysAddr table = root();
        bool is_new = false;
        for (Level above = G::kRootLevel; above < level; above = above.down()) {
            Pte* slot = env_.table(table) + G::index(above, at);
            Pte pte = load_descriptor(slot);
            is_new = false;
            if (pte.kind(above) == PteKind::Invalid) {
                const auto page = env_.allocate();
                if (!page)
                    return std::unexpected{MapError::NoMemory};
                pte = link(slot, *page, above);
                is_new = pte == Pte::table(*page);
            }
            if (pte.kind(above) == PteKind::Leaf)
                return std::unexpected{MapError::AlreadyMapped};
            table = pte.address();
        }
        return Found{env_.table(table), is_new};
    }

    // Makes `slot`, which was found invalid, point to `page`, an empty table. What it holds then: somebody
    // else's table if that was linked first, and `page` is given back.
    Pte link(Pte* slot, PhysAddr page, Level level)
    {
        const Pte before = writer_.link(slot, Pte::table(page), level);
        if (before == Pte{})
            return Pte::table(page);
        if constexpr (requires { env_.release(page); })
            env_.release(page);
        return before;
    }

    // Maps as much as one table of the right level takes, one entry at least. The number of bytes.
    std::expected<Bytes, MapError> map_in_one_table(VirtAddr at, PhysAddr to, Bytes left,
                                                    Attributes attributes, Leaves leaves)
    {
        Level level = leaves == Leaves::Pages ? kLastLevel : largest_leaf(at, to, left);
        auto table = table_for(at, level);
        // Where a table stands already, and be it empty, there is no room for a block.
        while (table && !table->is_new &&
               load_descriptor(table->entries + G::index(level, at)).kind(level) == PteKind::Table) {
            level = level.down();
            table = table_for(at, level);
        }
        if (!table)
            return std::unexpected{table.error()};
        const u64 index = G::index(level, at);
        // Past the first entry of a table no larger leaf fits: its address would be aligned to this whole
        // table.
        const u64 most =
            std::min({G::entries(level) - index, left.count() >> G::shift(level), linear_entries(to, level)});
        Pte* first = table->entries + index;
        const u64 count = table->is_new ? most : count_invalid(first, most, level);
        if (count == 0)
            return std::unexpected{MapError::AlreadyMapped};
        if (leaves == Leaves::Pages)
            writer_.fill_invalid(first, count, Pte::leaf(to, level, attributes), G::entry_size(level));
        else
            fill_with_runs(first, index, count, to, level, attributes);
        return G::entry_size(level) * count;
    }

    // As many as one last-level table takes, one at least; the number of pages.
    std::expected<u64, MapError> map_pages_in_one_table(VirtAddr at, std::span<const PhysAddr> pages,
                                                        Attributes attributes)
    {
        const auto table = table_for(at, kLastLevel);
        if (!table)
            return std::unexpected{table.error()};
        const u64 index = G::index(kLastLevel, at);
        const u64 most = std::min<u64>(G::entries(kLastLevel) - index, pages.size());
        Pte* first = table->entries + index;
        if (!table->is_new && count_invalid(first, most, kLastLevel) != most)
            return std::unexpected{MapError::AlreadyMapped};
        LeafSlots<G, Pte, Env>{env_, first}.fill(index, pages.first(most), attributes);
        return most;
    }

    // Invalid entries from `first` on, `most` at most.
    static u64 count_invalid(const Pte* first, u64 most, Level level)
    {
        return level.is_last() ? count_while<PteKind::Invalid>(first, most, [] { return kLastLevel; })
                               : count_while<PteKind::Invalid>(first, most, [level] { return level; });
    }

    // Entries of `level` until the output address leaves the kLinearOutput it is in (INV-pte_format-2).
    static u64 linear_entries(PhysAddr to, Level level)
    {
        const Bytes rest = to.align_down(kLinearOutput) + kLinearOutput - to;
        return rest.count() >> G::shift(level);
    }

    // Neighbouring leaves from slot number `index` on, with the contiguous hint on every whole run among
    // them.
    void fill_with_runs(Pte* first, u64 index, u64 count, PhysAddr to, Level level, Attributes attributes)
    {
        const Bytes size = G::entry_size(level);
        const u64 run = G::contiguous_entries(level);
        const Pte plain = Pte::leaf(to, level, attributes);
        u64 head = std::min(count, -index & (run - 1)); // up to where a run can begin
        u64 in_runs = (count - head) & ~(run - 1);
        if (run == 1 || !(to + size * head).is_aligned(size * run)) {
            head = count;
            in_runs = 0;
        }
        const auto part = [&](u64 from, u64 entries, bool contiguous) {
            const Pte value{plain.raw() + from * size.count()};
            writer_.fill_invalid(first + from, entries, value.with_contiguous(contiguous), size);
        };
        part(0, head, false);
        part(head, in_runs, true);
        part(head + in_runs, count - head - in_runs, false);
    }

    // Takes back what map() did: the first `done` bytes of `range`, and tables that were made for it.
    void undo_map(VirtRange range, Bytes done)
    {
        if constexpr (requires { typename Env::NoWalkers; }) {
            clear_leaves({range.base, done}, [](VirtRange, Bytes) {});
        } else {
            // Speculation may have used what was mapped, so this is an unmap() like any other.
            Batch batch{env_};
            clear_leaves({range.base, done}, batch);
            if (tables_ == Tables::Private)
                TableReclaimer<G, Pte, Env>{env_, batch}.reclaim(root(), range);
            else
                env_.publish(); // tables that were linked stay
        }
    }

    // Checks a range for unmap() and protect(), and cuts leaves at its ends.
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

    // Clears the leaves of `range`, which no leaf reaches out of, table by table.
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
                at = at.align_down(size) + size; // a hole
                continue;
            }
            writer_.clear_leaves(found.slot, count);
            cleared({at, size * count}, size);
            at += size * count;
        }
    }

    // Leaves from `first` on, `most` at most.
    static u64 count_leaves(const Pte* first, u64 most, Level level)
    {
        return level.is_last() ? count_while<PteKind::Leaf>(first, most, [] { return kLastLevel; })
                               : count_while<PteKind::Leaf>(first, most, [level] { return level; });
    }

    // `level()` is a constant where that is the last one: there a kind is one bit.
    template <PteKind Kind>
    static u64 count_while(const Pte* first, u64 most, auto level)
    {
        constexpr u64 kAtOnce = 8; // looked at without a branch in between
        const auto are_alike = [&](u64 from) {
            bool alike = true;
#pragma clang loop unroll(full)
            for (u64 n = 0; n < kAtOnce; ++n)
                alike = alike & (load_descriptor(first + from + n).kind(level()) == Kind);
            return alike;
        };
        u64 count = 0;
        while (count + kAtOnce <= most && are_alike(count))
            count += kAtOnce;
        while (count < most && load_descriptor(first + count).kind(level()) == Kind)
            ++count;
        return count;
    }

    PageTableWalker<G, Pte, Env> walker_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
    Tables tables_;
};

} // namespace percival::mm
