// SPDX-License-Identifier: BSD-2-Clause
// Reads a translation tree as runs of similar mappings, and compares two trees. The caller keeps the trees
// from changing meanwhile. kernel/inspect/ptdump.hpp prints the results.
#pragma once

#include "mm/page_table/walker.hpp"

#include <optional>

namespace percival::mm {

// A run of neighbouring leaves of one level with equal attributes that map neighbouring memory.
struct MappedRun {
    VirtRange range;
    PhysAddr to;
    Level level;
    bool contiguous; // the leaves have the contiguous hint
    Attributes attributes;
    // What the descriptors grant. A wrong descriptor can grant more than Attributes can express.
    Rights rights;

    bool is_block() const { return !level.is_last(); }

    bool goes_on_with(const MappedRun& next) const
    {
        return range.end() == next.range.base && to + range.size == next.to && level == next.level &&
               contiguous == next.contiguous && attributes == next.attributes && rights == next.rights;
    }
};

// A range of addresses that two trees translate differently. A side without a translation has no value.
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

// `TableAt` is called as const Pte*(PhysAddr) and returns the descriptors of the table at that address.
template <class G, PteFormat Pte, class TableAt>
class PageTableDump {
public:
    constexpr explicit PageTableDump(TableAt table_at) : table_at_{table_at} {}

    // Calls visit(MappedRun) for every run of the tree under `root`, in the order of addresses. The tree
    // translates addresses from `base` on.
    template <class Visit>
    void for_each_run(PhysAddr root, Visit visit, VirtAddr base = G::kKernelBase) const
    {
        Merger<MappedRun, Visit> merger{visit};
        runs_of(root, G::kRootLevel, base, merger);
    }

    // Does the same for what the tree under `root` does not share with the tree under `known`: it leaves out
    // each entry that equals the other tree's entry for the same addresses, with all that is below it.
    template <class Visit>
    void for_each_own_run(PhysAddr root, PhysAddr known, Visit visit) const
    {
        Merger<MappedRun, Visit> merger{visit};
        own_runs_of(root, known, G::kRootLevel, G::kKernelBase, merger);
    }

    // Calls visit(Difference) for every difference. Attributes count too: a page that is writable in only one
    // tree differs.
    template <class Visit>
    void for_each_difference(PhysAddr left, PhysAddr right, Visit visit) const
    {
        Merger<Difference, Visit> merger{visit};
        differences_of(table_at_(left), table_at_(right), G::kRootLevel, G::kKernelBase, merger);
    }

private:
    // Merges items that continue each other and passes the merged items on. The destructor passes on the last
    // one.
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
        for (u64 index = 0; index < G::entries(level); ++index)
            runs_of(load_descriptor(entries + index), level, base + G::entry_size(level) * index, into);
    }

    // Adds the runs of one entry, which translates addresses from `at` on.
    template <class Into>
    void runs_of(Pte pte, Level level, VirtAddr at, Into& into) const
    {
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

    template <class Into>
    void own_runs_of(PhysAddr table, PhysAddr known, Level level, VirtAddr base, Into& into) const
    {
        for (u64 index = 0; index < G::entries(level); ++index) {
            const Pte own = load_descriptor(table_at_(table) + index);
            const Pte other = load_descriptor(table_at_(known) + index);
            const VirtAddr at = base + G::entry_size(level) * index;
            if (own == other)
                continue;
            if (own.kind(level) == PteKind::Table && other.kind(level) == PteKind::Table)
                own_runs_of(own.address(), other.address(), level.down(), at, into);
            else
                runs_of(own, level, at, into);
        }
    }

    // Compares two tables at `level`. A tree that has a block or a hole in place of a table is compared by
    // compare().
    template <class Into>
    void differences_of(const Pte* left, const Pte* right, Level level, VirtAddr base, Into& into) const
    {
        for (u64 index = 0; index < G::entries(level); ++index) {
            const Pte l = load_descriptor(left + index);
            const Pte r = load_descriptor(right + index);
            if (l == r)
                continue; // the same leaf, or the same table with everything below it
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

    // Returns entry `index` of a table that would map the same as `above`, which is a block or invalid.
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
