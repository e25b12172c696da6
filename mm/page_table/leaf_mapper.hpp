// SPDX-License-Identifier: BSD-2-Clause
// New leaves, as many as one table takes: of which level they are, and where the contiguous hint goes.
//
// Only invalid entries are written (INV-page_table-1), and nothing is published: the caller does that when
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

    // Maps as much of `left` bytes as one table of the right level takes, one entry at least. The number of
    // bytes.
    std::expected<Bytes, MapError> map(VirtAddr at, PhysAddr to, Bytes left, Attributes attributes,
                                       Leaves leaves)
    {
        Level level = leaves == Leaves::Pages ? kLastLevel : largest_leaf(at, to, left);
        auto table = tables_.table_for(at, level);
        // Where a table stands already, and be it empty, there is no room for a block.
        while (table && !table->is_new &&
               load_descriptor(table->entries + G::index(level, at)).kind(level) == PteKind::Table) {
            level = level.down();
            table = tables_.table_for(at, level);
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

    // Maps pages that LeafSlots finds mappable, as many as one last-level table takes, one at least. The
    // number of pages.
    std::expected<u64, MapError> map_pages(VirtAddr at, std::span<const PhysAddr> pages,
                                           Attributes attributes)
    {
        const auto table = tables_.table_for(at, kLastLevel);
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

    TableMaker<G, Pte, Env> tables_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
};

} // namespace percival::mm
