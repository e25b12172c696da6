// SPDX-License-Identifier: BSD-2-Clause
// What a translation tree holds, as runs of like mappings, and where two trees differ. Reads only; the caller
// keeps the trees from changing meanwhile. kernel/inspect/ptdump.hpp prints it.
#pragma once

#include "mm/page_table/walker.hpp"

#include <optional>

namespace percival::mm {

// Neighbouring leaves of one level, alike in everything, that map neighbouring memory.
struct MappedRun {
    VirtRange range;
    PhysAddr to;
    Level level;
    bool contiguous; // with the contiguous hint
    Attributes attributes;
    Rights rights; // what the descriptors say, which attributes cannot express when it is wrong

    bool is_block() const { return !level.is_last(); }
    // A kernel mapping has neither, ever.
    bool is_bad() const { return rights.user || (rights.writable && rights.executable); }

    bool goes_on_with(const MappedRun& next) const
    {
        return range.end() == next.range.base && to + range.size == next.to && level == next.level &&
               contiguous == next.contiguous && attributes == next.attributes && rights == next.rights;
    }
};

// Addresses that two trees translate differently; nothing where one does not translate them.
struct Difference {
    VirtRange range;
    std::optional<PhysAddr> left;
    std::optional<PhysAddr> right;

    bool goes_on_with(const Difference& next) const
    {
        const auto follows = [this](const std::optional<PhysAddr>& here,
                                    const std::optional<PhysAddr>& there) {
            return here.has_value() == there.has_value() && (!here || *here + range.size == *there);
        };
        return range.end() == next.range.base && follows(left, next.left) && follows(right, next.right);
    }
};

// `TableAt`: the descriptors of the table at a physical address, const Pte*(PhysAddr).
template <class G, PteFormat Pte, class TableAt>
class PageTableDump {
public:
    constexpr explicit PageTableDump(TableAt table_at) : table_at_{table_at} {}

    // Calls visit(MappedRun) for every run of the tree under `root`, in the order of addresses.
    template <class Visit>
    void for_each_run(PhysAddr root, Visit visit) const
    {
        Merger<MappedRun, Visit> merger{visit};
        runs_of(root, G::kRootLevel, G::kKernelBase, merger);
    }

    // Calls visit(Difference) for every difference. Attributes count: a page that is writable in one tree
    // only differs.
    template <class Visit>
    void for_each_difference(PhysAddr left, PhysAddr right, Visit visit) const
    {
        Merger<Difference, Visit> merger{visit};
        differences_of(table_at_(left), table_at_(right), G::kRootLevel, G::kKernelBase, merger);
    }

private:
    // Passes items on, those that go on with each other as one. The last one leaves with the merger.
    template <class Item, class Visit>
    class Merger : Immovable {
    public:
        explicit Merger(Visit& visit) : visit_{visit} {}
        ~Merger()
        {
            if (pending_)
                visit_(*pending_);
        }
        void add(const Item& item)
        {
            if (pending_ && pending_->goes_on_with(item)) {
                pending_->range.size = pending_->range.size + item.range.size;
                return;
            }
            if (pending_)
                visit_(*pending_);
            pending_ = item;
        }

    private:
        Visit& visit_;
        std::optional<Item> pending_{};
    };

    template <class Into>
    void runs_of(PhysAddr table, Level level, VirtAddr base, Into& into) const
    {
        const Pte* entries = table_at_(table);
        for (u64 index = 0; index < G::entries(level); ++index) {
            const Pte pte = load_descriptor(entries + index);
            const VirtAddr at = base + G::entry_size(level) * index;
            if (pte.kind(level) == PteKind::Table)
                runs_of(pte.address(), level.down(), at, into);
            else if (pte.kind(level) == PteKind::Leaf)
                into.add(MappedRun{{at, G::entry_size(level)},
                                   pte.address(),
                                   level,
                                   pte.is_contiguous(),
                                   pte.attributes(),
                                   pte.rights()});
        }
    }

    // A table or, where a tree has none, the entry above it, which covers all of the addresses.
    template <class Into>
    void differences_of(const Pte* left, const Pte* right, Level level, VirtAddr base, Into& into) const
    {
        for (u64 index = 0; index < G::entries(level); ++index) {
            const Pte l = load_descriptor(left + index);
            const Pte r = load_descriptor(right + index);
            if (l == r)
                continue; // the same leaf or the same table, whatever is below it
            compare(l, r, level, base + G::entry_size(level) * index, into);
        }
    }

    template <class Into>
    void compare(Pte l, Pte r, Level level, VirtAddr at, Into& into) const
    {
        const bool left_table = l.kind(level) == PteKind::Table,
                   right_table = r.kind(level) == PteKind::Table;
        if (left_table && right_table) {
            differences_of(table_at_(l.address()), table_at_(r.address()), level.down(), at, into);
        } else if (left_table || right_table) {
            const Pte* entries = table_at_(left_table ? l.address() : r.address());
            const Level lower = level.down();
            for (u64 index = 0; index < G::entries(lower); ++index) {
                const Pte one = load_descriptor(entries + index);
                const Pte other = part_of(left_table ? r : l, level, index);
                if (one != other)
                    compare(left_table ? one : other, left_table ? other : one, lower,
                            at + G::entry_size(lower) * index, into);
            }
        } else {
            const auto output = [level](Pte pte) {
                return pte.kind(level) == PteKind::Leaf ? std::optional{pte.address()} : std::nullopt;
            };
            into.add(Difference{{at, G::entry_size(level)}, output(l), output(r)});
        }
    }

    // What entry `index` of a table would be that maps the same as `above`, a block or nothing.
    static Pte part_of(Pte above, Level level, u64 index)
    {
        if (above.kind(level) != PteKind::Leaf)
            return Pte{};
        return Pte::leaf(above.address() + G::entry_size(level.down()) * index, level.down(),
                         above.attributes());
    }

    TableAt table_at_;
};

} // namespace percival::mm
