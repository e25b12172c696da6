// SPDX-License-Identifier: BSD-2-Clause
// The page-table engine: map, protect and walk over any root given explicitly.
//
// The environment says how a table is reached, where new ones come from and how a descriptor is stored, so that the same
// code runs with the MMU off, on the boot tables, on the linear map, and on a simulated machine:
//
//   Pte* Env::table(PhysAddr)                  the table's descriptors, accessible now
//   std::optional<PhysAddr> Env::allocate()    a zeroed table page, its zeroes visible to table walkers before it is returned
//   void Env::store(Pte* slot, Pte value)      one single-copy atomic store of a descriptor
//   void Env::publish()                        orders all stores before later table walks by every CPU
//
// INV-page_table-1: a valid entry is never overwritten by map(): an attempt is an error and changes nothing more.
// INV-page_table-2: map() publishes once, at its end. Invalid entries are not cached by TLBs, so it invalidates nothing
//                   (Arm ARM D8.13.1).
//
// Callers serialize changes to one root. Nothing here takes locks.
#pragma once

#include "mm/pte_format.hpp"

#include <expected>
#include <optional>

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
    struct Walk {
        Pte* slot;   // the descriptor the walk ended at
        Pte pte;     // its value
        Level level; // and level
        PteKind kind() const { return pte.kind(level); }
    };

    PageTable(PhysAddr root, Env& env) : root_{root}, env_{env} {}

    PhysAddr root() const { return root_; }

    // Maps `range` to physical memory from `to`, with the largest entries that alignment allows.
    // On error what was mapped so far stays mapped: callers either panic or unmap their whole range.
    std::expected<void, MapError> map(VirtRange range, PhysAddr to, Attributes attributes)
    {
        if (!range.base.is_aligned(G::kPageSize) || !to.is_aligned(G::kPageSize) ||
            (range.size.count() & (G::kPageSize.count() - 1)) != 0)
            return std::unexpected{MapError::Misaligned};
        VirtAddr at = range.base;
        Bytes left = range.size;
        while (left > Bytes{0}) {
            const Level level = largest_leaf(at, to, left);
            auto slot = slot_for_leaf(at, level);
            if (!slot)
                return std::unexpected{slot.error()};
            const Bytes mapped = fill(*slot, at, to, left, level, attributes);
            at += mapped;
            to += mapped;
            left = left - mapped;
        }
        env_.publish();
        return {};
    }

    // Changes the attributes of whole leaves that lie in `range`; their output addresses and sizes stay. Permission changes
    // need no break-before-make (Arm ARM D8.16.1), but the caller must invalidate the TLBs afterwards.
    std::expected<void, MapError> protect(VirtRange range, Attributes attributes)
    {
        return for_each_leaf(range, [this, attributes](const Walk& leaf) {
            env_.store(leaf.slot, Pte::leaf(leaf.pte.address(), leaf.level, attributes));
        });
    }

    // Makes `range`, which must consist of whole leaves, invalid again. Tables stay. The caller must invalidate the TLBs
    // before it uses the memory or the addresses for anything else.
    std::expected<void, MapError> unmap(VirtRange range)
    {
        return for_each_leaf(range, [this](const Walk& leaf) { env_.store(leaf.slot, Pte{}); });
    }

    // Follows `address` down to a leaf or a hole.
    Walk walk(VirtAddr address) const { return walk_to(address, kLastLevel); }

    // Follows `address` down to `level`, or to a leaf or a hole above it.
    Walk walk_to(VirtAddr address, Level last) const
    {
        PhysAddr table = root_;
        for (Level level = G::kRootLevel;; level = level.down()) {
            Pte* slot = env_.table(table) + G::index(level, address);
            const Pte pte = load(slot);
            if (level >= last || pte.kind(level) != PteKind::Table)
                return {slot, pte, level};
            table = pte.address();
        }
    }

    // Makes the entries at `level` for all of `range` point to tables, empty ones where there were none.
    std::expected<void, MapError> ensure_tables(VirtRange range, Level level)
    {
        const Bytes step = G::entry_size(level);
        const VirtAddr last = (range.end() - Bytes{1}).align_down(step);
        for (VirtAddr at = range.base.align_down(step);; at += step) {
            if (auto slot = slot_at(at, level.down()); !slot)
                return std::unexpected{slot.error()};
            if (at == last)
                break;
        }
        env_.publish();
        return {};
    }

private:
    // Descriptors are shared with the table walkers and other CPUs: one access each.
    static Pte load(const Pte* slot) { return Pte{__atomic_load_n(reinterpret_cast<const u64*>(slot), __ATOMIC_RELAXED)}; }

    // Applies `change` to every leaf of `range`, and publishes.
    template <class Change>
    std::expected<void, MapError> for_each_leaf(VirtRange range, Change change)
    {
        VirtAddr at = range.base;
        while (range.contains(at)) {
            const Walk found = walk(at);
            if (found.kind() != PteKind::Leaf)
                return std::unexpected{MapError::NotMapped};
            const Bytes size = G::entry_size(found.level);
            if (!at.is_aligned(size) || range.end() - at < size)
                return std::unexpected{MapError::WouldSplit};
            change(found);
            at += size;
        }
        env_.publish();
        return {};
    }

    Level largest_leaf(VirtAddr at, PhysAddr to, Bytes left) const
    {
        for (Level level = G::kRootLevel; !level.is_last(); level = level.down()) {
            const Bytes size = G::entry_size(level);
            if (G::block_allowed(level) && left >= size && at.is_aligned(size) && to.is_aligned(size))
                return level;
        }
        return kLastLevel;
    }

    // The slot for `at` in the table at `level`, with the tables above it made as needed.
    std::expected<Pte*, MapError> slot_at(VirtAddr at, Level level)
    {
        PhysAddr table = root_;
        for (Level above = G::kRootLevel; above < level; above = above.down()) {
            Pte* slot = env_.table(table) + G::index(above, at);
            Pte pte = load(slot);
            if (pte.kind(above) == PteKind::Leaf)
                return std::unexpected{MapError::AlreadyMapped};
            if (pte.kind(above) == PteKind::Invalid) {
                const auto fresh = env_.allocate();
                if (!fresh)
                    return std::unexpected{MapError::NoMemory};
                pte = Pte::table(*fresh);
                env_.store(slot, pte);
            }
            table = pte.address();
        }
        return env_.table(table) + G::index(level, at);
    }

    std::expected<Pte*, MapError> slot_for_leaf(VirtAddr at, Level level)
    {
        auto slot = slot_at(at, level);
        if (slot && load(*slot).kind(level) != PteKind::Invalid)
            return std::unexpected{MapError::AlreadyMapped};
        return slot;
    }

    // Writes neighbouring leaves of one table in a row, up to the table's end, the range's end or an entry in use.
    Bytes fill(Pte* slot, VirtAddr at, PhysAddr to, Bytes left, Level level, Attributes attributes)
    {
        const Bytes size = G::entry_size(level);
        const u64 room = G::entries(level) - G::index(level, at);
        Bytes done{0};
        for (u64 n = 0; n < room && left - done >= size; ++n) {
            // Past the first entry of a table no larger leaf fits: its address would be aligned to this whole table.
            if (load(slot + n).kind(level) != PteKind::Invalid)
                break;
            env_.store(slot + n, Pte::leaf(to + done, level, attributes));
            done = done + size;
        }
        return done;
    }

    PhysAddr root_;
    Env& env_;
};

} // namespace percival::mm
