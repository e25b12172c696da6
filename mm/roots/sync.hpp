// SPDX-License-Identifier: BSD-2-Clause
// Adding entries to roots that are in use, for memory that appears after boot. Everything else is there from
// the start (complete_master_root()), so this is the one late writer of a root.
//
// Each CPU has its own copies of the master's tables on the way from the root to the local percpu window
// (mm/roots/roots.hpp). sync() makes the entries that serve a range point to tables, in the master and in the
// copies of every possible CPU, those that are offline too. From then on map() works in the range as anywhere
// else, on any CPU, and what it does is seen by all.
//
// INV-root_sync-1: entries go from none to a table, under one lock, and are never cleared or changed after. A
//                  CPU that uses an entry therefore needs no lock, and TLBs nothing to be told: they do not
//                  hold invalid entries (Arm ARM D8.13.1).
// INV-root_sync-2: the entries in which roots differ, the window's and those on the way to it, are left alone
//                  whatever the range: inside the window, ending with it, or reaching across its bounds.
// INV-root_sync-3: when sync() returns, all of it is visible to every walker, and the caller may hand out the
//                  memory. What others were doing at these addresses meanwhile was wrong anyway: nothing was
//                  there.
//
// `Roots` says where the tables are and how a sealed one is written:
//
//   u32 Roots::cpus()                                  possible ones
//   PhysAddr Roots::master_table(Level)                the master's table of that level on the way to the window
//   PhysAddr Roots::private_table(CpuId, Level)        a CPU's copy of it
//   const Pte* Roots::table(PhysAddr)                  a table's descriptors, to read
//   void Roots::write(PhysAddr table, u64 index, Pte)  one single-copy atomic store into a sealed table
//   std::optional<PhysAddr> Roots::allocate()          a zeroed table, its zeroes visible to walkers
//   void Roots::publish()                              orders all stores before later table walks by every CPU
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/address_space/layout.hpp"
#include "mm/page_table/descriptor_writer.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

enum class RootSyncError : u8 {
    NoMemory, // for a table. What was made so far stays, and maps nothing
    Occupied, // an entry of the master maps a block, and some CPU lacks it: it cannot be shared as a table
    Differs,  // a CPU's entry is neither none nor the master's: somebody else wrote a root
};

template <class G, PteFormat Pte, class Roots, class Lock = SpinLock>
class RootSync : Immovable {
public:
    using Layout = mm::Layout<G>;
    using Result = std::expected<void, RootSyncError>;

    constexpr explicit RootSync(Roots& roots) : roots_{roots} {}

    // Any context in which a table can be allocated. Addresses outside the kernel half are ignored.
    Result sync(VirtRange range)
    {
        IrqSpinGuard guard{lock_};
        const Result result = sync_levels(range);
        roots_.publish();
        return result;
    }

private:
    // The addresses that the private tables of `level` serve.
    static constexpr VirtRange span_of(Level level)
    {
        if (level == G::kRootLevel)
            return {G::kKernelBase, G::kKernelSize};
        const Bytes size = G::entry_size(level.up());
        return {Layout::kLocalPercpu.base.align_down(size), size};
    }

    Result sync_levels(VirtRange range)
    {
        for (Level level = G::kRootLevel; level <= Layout::kPrivateLevel; level = level.down()) {
            if (Result result = sync_level(level, range); !result)
                return result;
        }
        return {};
    }

    Result sync_level(Level level, VirtRange range)
    {
        const VirtRange span = span_of(level);
        if (!range.overlaps(span))
            return {};
        // Last addresses, because ends can be 2^64.
        const VirtAddr first = std::max(range.base, span.base);
        const VirtAddr last = std::min(range.end() - Bytes{1}, span.end() - Bytes{1});
        for (u64 index = G::index(level, first); index <= G::index(level, last); ++index) {
            if (Layout::is_private(level, index))
                continue;
            if (Result result = sync_entry(level, index); !result)
                return result;
        }
        return {};
    }

    // The same entry everywhere.
    Result sync_entry(Level level, u64 index)
    {
        const PhysAddr master = roots_.master_table(level);
        Pte entry = load_descriptor(roots_.table(master) + index);
        if (entry.kind(level) == PteKind::Invalid) {
            const auto page = roots_.allocate();
            if (!page)
                return std::unexpected{RootSyncError::NoMemory};
            entry = Pte::table(*page);
            roots_.write(master, index, entry);
        }
        for (u32 cpu = 0; cpu < roots_.cpus(); ++cpu) {
            if (Result result = copy_entry(entry, level, index, roots_.private_table(CpuId{cpu}, level));
                !result)
                return result;
        }
        return {};
    }

    Result copy_entry(Pte entry, Level level, u64 index, PhysAddr table)
    {
        const Pte own = load_descriptor(roots_.table(table) + index);
        if (own == entry)
            return {};
        if (own.kind(level) != PteKind::Invalid)
            return std::unexpected{RootSyncError::Differs};
        if (entry.kind(level) != PteKind::Table)
            return std::unexpected{RootSyncError::Occupied};
        roots_.write(table, index, entry);
        return {};
    }

    Roots& roots_;
    Lock lock_{};
};

// Synchronizes the kernel's own roots. Any CPU on its own root, any context; after setup_percpu_areas(). No
// user in the kernel yet: hotplugged memory will be the first.
std::expected<void, RootSyncError> sync_roots(VirtRange range);

} // namespace percival::mm
