// SPDX-License-Identifier: BSD-2-Clause
// Maps new leaves, up to the end of one table per call. Chooses their level and where the contiguous hint
// goes.
//
// Writes to invalid entries only (INV-page_table-1) and publishes nothing: the caller publishes once, when
// all of its range is mapped.
#pragma once

#include "mm/page_table/descriptor_count.hpp"
#include "mm/page_table/leaf_slots.hpp"
#include "mm/page_table/table_maker.hpp"

#include <algorithm>
#include <expected>
#include <span>

namespace percival::mm {

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
            fill_with_runs(first, index, count, to, level, attributes);
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

    // Writes neighbouring leaves from slot number `index` on. Every whole run among them gets the contiguous
    // hint.
    void fill_with_runs(Pte* first, u64 index, u64 count, PhysAddr to, Level level, Attributes attributes)
    {
        const Bytes size = G::entry_size(level);
        const u64 run = G::contiguous_entries(level);
        const Pte plain = Pte::leaf(to, level, attributes);
        u64 head = std::min(count, -index & (run - 1)); // entries before the place where a run can begin
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

    TableMaker<G, Pte, Env> tables_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
};

} // namespace percival::mm
