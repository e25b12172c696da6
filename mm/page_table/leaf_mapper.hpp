// SPDX-License-Identifier: BSD-2-Clause
// Maps new leaves in one table: LeafSlots in slots that the caller knows, LeafMapper at an address, after it
// has found or made the table. Both map at invalid entries only (INV-page_table-1).
#pragma once

#include "mm/page_table/descriptor_access.hpp"
#include "mm/page_table/table_maker.hpp"

#include <algorithm>
#include <expected>
#include <span>

namespace percival::mm {

// Neighbouring slots of one table. `index` is the position of the first of them.
template <PteFormat Pte>
struct SlotRange {
    Pte* first;
    u64 index;
    u64 count;
    Level level;
};

// Writes leaves into invalid slots, for the contiguous memory from `to` on, which lies within one
// kLinearOutput. Every whole run among them gets the contiguous hint.
template <class G, PteFormat Pte, class Env>
void fill_with_runs(DescriptorWriter<Pte, Env>& writer, const SlotRange<Pte>& slots, PhysAddr to,
                    Attributes attributes)
{
    const Bytes size = G::entry_size(slots.level);
    const u64 run = G::contiguous_entries(slots.level);
    const Pte plain = Pte::leaf(to, slots.level, attributes);
    // Entries before the place where a run can begin.
    u64 head = std::min(slots.count, -slots.index & (run - 1));
    u64 in_runs = (slots.count - head) & ~(run - 1);
    if (run == 1 || !(to + size * head).is_aligned(size * run)) {
        head = slots.count;
        in_runs = 0;
    }
    const auto part = [&](u64 from, u64 entries, bool contiguous) {
        const Pte value{plain.raw() + from * size.count()};
        if (entries != 0)
            writer.fill_invalid(slots.first + from, entries, value.with_contiguous(contiguous), size);
    };
    part(0, head, false);
    part(head, in_runs, true);
    part(head + in_runs, slots.count - head - in_runs, false);
}

// Maps and clears pages in neighbouring slots of one last-level table without a walk. The caller owns the
// addresses that the slots translate.
//
// PageTable::slots_for() returns the slots. They stay valid as long as the table does: for good in a tree
// whose tables are shared (INV-page_table-4).
template <class G, PteFormat Pte, class Env>
class LeafSlots {
public:
    LeafSlots(Env& env, Pte* first) : env_{env}, first_{first} {}

    // Maps pages at invalid slots and publishes. `index` is the position of the first slot in its table.
    // Error: Misaligned, and then nothing is mapped.
    [[gnu::always_inline]] std::expected<void, MapError> map(u64 index, std::span<const PhysAddr> pages,
                                                             Attributes attributes)
    {
        if (!are_mappable(pages))
            return std::unexpected{MapError::Misaligned};
        fill(index, pages, attributes);
        env_.publish();
        return {};
    }

    // Maps one page, which is aligned and within the first kLinearOutput, and publishes.
    void map_page(PhysAddr page, Attributes attributes)
    {
        env_.store(first_, Pte::leaf(page, kLastLevel, attributes));
        env_.publish();
    }

    // Maps contiguous memory within the first kLinearOutput at `count` invalid slots, and publishes. Every
    // whole run gets the contiguous hint. `index` is as for map().
    void map_block(u64 index, u64 count, PhysAddr block, Attributes attributes)
    {
        DescriptorWriter<Pte, Env> writer{env_};
        fill_with_runs<G>(writer, {first_, index, count, kLastLevel}, block, attributes);
        env_.publish();
    }

    // Invalidates `count` leaves without flushing.
    void clear(u64 count) { DescriptorWriter<Pte, Env>{env_}.clear_leaves(first_, count); }

    // Does the same as map(), without publishing, for pages that are mappable.
    [[gnu::always_inline]] void fill(u64 index, std::span<const PhysAddr> pages, Attributes attributes)
    {
        const Pte plain = Pte::leaf(PhysAddr{0}, kLastLevel, attributes);
        for (Pte* slot = first_; !pages.empty();) {
            const bool run = (index & (kRun - 1)) == 0 && begins_with_run(pages);
            const u64 count = std::min<u64>(pages.size(), kRun - (index & (kRun - 1)));
            store_leaves(slot, pages.first(count), plain.with_contiguous(run));
            slot += count;
            index += count;
            pages = pages.subspan(count);
        }
    }

    // Returns whether all pages are aligned and within the first kLinearOutput.
    static bool are_mappable(std::span<const PhysAddr> pages)
    {
        u64 addresses = 0;
#pragma clang loop unroll_count(8)
        for (const PhysAddr page : pages)
            addresses |= page.raw();
        return PhysAddr{addresses}.is_aligned(G::kPageSize) &&
               PhysAddr{addresses} < PhysAddr{kLinearOutput.count()};
    }

private:
    static constexpr u64 kRun = G::contiguous_entries(kLastLevel);

    // Adds each page's address to a pattern. All outputs are within one kLinearOutput (INV-pte_format-1).
    void store_leaves(Pte* slot, std::span<const PhysAddr> pages, Pte pattern)
    {
#pragma clang loop unroll_count(8)
        for (u64 n = 0; n < pages.size(); ++n)
            env_.store(slot + n, Pte{pattern.raw() + pages[n].raw()});
    }

    // Returns whether the first kRun pages are neighbours that may share the contiguous hint. In most cases a
    // look at the first and the last of them decides.
    static bool begins_with_run(std::span<const PhysAddr> pages)
    {
        return pages.size() >= kRun && pages[0].is_aligned(G::kPageSize * kRun) &&
               pages[kRun - 1] - pages[0] == G::kPageSize * (kRun - 1) && are_neighbours(pages.first(kRun));
    }
    [[gnu::noinline]] static bool are_neighbours(std::span<const PhysAddr> pages)
    {
        for (u64 n = 1; n < pages.size(); ++n) {
            if (pages[n] != pages[0] + G::kPageSize * n)
                return false;
        }
        return true;
    }

    Env& env_;
    Pte* first_;
};

// Maps new leaves, up to the end of one table per call. Chooses their level and where the contiguous hint
// goes. Publishes nothing: the caller publishes once, when all of its range is mapped.
template <class G, PteFormat Pte, class Env>
class LeafMapper {
public:
    LeafMapper(PhysAddr root, Env& env) : tables_{root, env}, env_{env}, writer_{env} {}

    // Maps a part of the `left` bytes: at least one entry, at most to the end of one table of the chosen
    // level. Returns the number of bytes mapped. Errors: AlreadyMapped, NoMemory.
    std::expected<Bytes, MapError> map(VirtAddr at, PhysAddr to, Bytes left, Attributes attributes,
                                       Leaves leaves)
    {
        Level level = leaves == Leaves::Pages ? kLastLevel : largest_leaf(at, to, left);
        auto table = tables_.table_for(at, level);
        // Where a table exists already, even an empty one, no block can take its place.
        while (table && !table->is_new &&
               load_descriptor(table->entries + G::index(level, at)).kind(level) == PteKind::Table) {
            level = level.down();
            table = tables_.table_for(at, level);
        }
        if (!table)
            return std::unexpected{table.error()};
        const u64 index = G::index(level, at);
        // No larger leaf can begin past the first entry of a table: its address would have to be aligned to
        // the span of the whole table. So all entries from `index` on are of this level.
        const u64 limit =
            std::min({G::entries(level) - index, left.count() >> G::shift(level), linear_entries(to, level)});
        Pte* first = table->entries + index;
        const u64 count = table->is_new ? limit : count_invalid(first, limit, level);
        if (count == 0)
            return std::unexpected{MapError::AlreadyMapped};
        if (leaves == Leaves::Pages)
            writer_.fill_invalid(first, count, Pte::leaf(to, level, attributes), G::entry_size(level));
        else
            fill_with_runs<G>(writer_, {first, index, count, level}, to, attributes);
        return G::entry_size(level) * count;
    }

    // Maps pages for which LeafSlots::are_mappable() is true: at least one, at most to the end of one
    // last-level table. Returns the number of pages mapped. Errors: AlreadyMapped, NoMemory.
    std::expected<u64, MapError> map_pages(VirtAddr at, std::span<const PhysAddr> pages,
                                           Attributes attributes)
    {
        const auto table = tables_.table_for(at, kLastLevel);
        if (!table)
            return std::unexpected{table.error()};
        const u64 index = G::index(kLastLevel, at);
        const u64 limit = std::min<u64>(G::entries(kLastLevel) - index, pages.size());
        Pte* first = table->entries + index;
        if (!table->is_new && count_invalid(first, limit, kLastLevel) != limit)
            return std::unexpected{MapError::AlreadyMapped};
        LeafSlots<G, Pte, Env>{env_, first}.fill(index, pages.first(limit), attributes);
        return limit;
    }

private:
    static Level largest_leaf(VirtAddr at, PhysAddr to, Bytes left)
    {
        for (Level level = G::kRootLevel; !level.is_last(); level = level.down()) {
            const Bytes size = G::entry_size(level);
            if (G::block_allowed(level) && left >= size && at.is_aligned(size) && to.is_aligned(size))
                return level;
        }
        return kLastLevel;
    }

    // Returns how many entries of `level` fit before the output address leaves its kLinearOutput
    // (INV-pte_format-1).
    static u64 linear_entries(PhysAddr to, Level level)
    {
        const Bytes rest = to.align_down(kLinearOutput) + kLinearOutput - to;
        return rest.count() >> G::shift(level);
    }

    TableMaker<G, Pte, Env> tables_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
};

} // namespace percival::mm
