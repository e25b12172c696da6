// SPDX-License-Identifier: BSD-2-Clause
// Adds entries to roots that are in use, for memory that appears after boot. All other entries are there from
// the start (complete_master_root()), so this is the one late writer of a root.
//
// sync() makes the entries that serve a range of addresses point to tables. It does so in the master's tables
// on the way to the local window, and in every possible CPU's private copies of them (mm/roots/roots.hpp),
// offline CPUs included. From then on map() works in the range as anywhere else, on any CPU, and all CPUs see
// what it maps.
//
// INV-root_sync-1: an entry changes once, from invalid to a table, under one lock, and is never cleared or
//                  changed after. So a CPU that uses an entry needs no lock. TLBs do not hold invalid entries
//                  (Arm ARM D8.13.1), so no TLB is invalidated.
// INV-root_sync-2: the entries in which roots differ are never touched: those of the local window and those
//                  on the way to it. This holds for every range: inside the window, ending with it, or
//                  crossing its ends.
// INV-root_sync-3: when sync() returns, every walker sees all new entries, and the caller may hand out the
//                  memory. A CPU that touched these addresses earlier would have faulted anyway: they were
//                  unmapped.
//
// `Roots` is the environment: it finds the tables and writes sealed ones.
//
//   u32 Roots::cpus()                                  the number of CPUs with a root of their own
//   PhysAddr Roots::master_table(Level)                the master's table of a level on the way to the window
//   PhysAddr Roots::private_table(CpuId, Level)        a CPU's copy of it
//   const Pte* Roots::table(PhysAddr)                  the descriptors of a table, for reading
//   void Roots::write(PhysAddr table, u64 index, Pte)  one single-copy atomic store into a sealed table
//   std::optional<PhysAddr> Roots::allocate()          a table of zeroes that walkers see; nothing: no memory
//   void Roots::publish()                              orders this CPU's stores before later walks by any CPU
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/address_space/layout.hpp"
#include "mm/page_table/descriptor_access.hpp"

#include <atomic>
#include <expected>
#include <optional>

namespace percival::mm {

enum class RootSyncError : u8 {
    NoMemory, // no memory for a table; the tables made so far stay, and map nothing
    Occupied, // an entry of the master maps a block that some root lacks: only a table can be shared
    Differs,  // a CPU's entry is valid and not the master's: something else wrote to a root
};

template <class G, PteFormat Pte, class Roots, class Lock = SpinLock, class Regions = Layout<G>>
class RootSync : Immovable {
public:
    using Layout = Regions;
    using Result = std::expected<void, RootSyncError>;

    constexpr explicit RootSync(Roots& roots) : roots_{roots} {}

    // Gives all roots tables for `range` and publishes them (INV-root_sync-3); addresses outside the kernel
    // half are ignored. After an error some entries may be new: they point to empty tables, and another
    // attempt goes on from there. Any context in which a table can be allocated; holds the lock with
    // interrupts masked.
    Result sync(VirtRange range)
    {
        IrqSpinGuard guard{lock_};
        const Result result = sync_levels(range);
        roots_.publish();
        return result;
    }

    // Returns how many entries were new: the master had none. Any context.
    u64 entries_made() const { return entries_made_.load(std::memory_order_relaxed); }

private:
    // Returns the addresses that a table of `level` on the way to the local window serves.
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
        // Last addresses rather than ends, because an end can be 2^64.
        const VirtAddr first = std::max(range.base, span.base);
        const VirtAddr last = std::min(range.end() - Bytes{1}, span.end() - Bytes{1});
        for (u64 index = G::index(level, first); index <= G::index(level, last); ++index) {
            if (Layout::is_private(level, index)) // INV-root_sync-2
                continue;
            if (Result result = sync_entry(level, index); !result)
                return result;
        }
        return {};
    }

    // Makes one entry the same in the master and in every CPU's copy. Needs the lock.
    Result sync_entry(Level level, u64 index)
    {
        const PhysAddr master = roots_.master_table(level);
        Pte entry = load_descriptor(roots_.table(master) + index);
        if (entry.kind(level) == PteKind::Invalid) {
            const auto page = roots_.allocate();
            if (!page)
                return std::unexpected{RootSyncError::NoMemory};
            entry = Pte::table(*page);
            entries_made_.fetch_add(1, std::memory_order_relaxed);
            roots_.write(master, index, entry);
        }
        for (u32 cpu = 0; cpu < roots_.cpus(); ++cpu) {
            if (Result result = copy_entry(entry, level, index, roots_.private_table(CpuId{cpu}, level));
                !result)
                return result;
        }
        return {};
    }

    // Writes the master's `entry` to a CPU's private `table`, unless it is there already (INV-root_sync-1).
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
    std::atomic<u64> entries_made_{0};
};

// Gives the kernel's own roots tables for `range`. Any context on a CPU that runs on its own root, after
// setup_percpu_areas(). The kernel's caller is add_memory() (mm/hot_memory/hot_memory.hpp).
std::expected<void, RootSyncError> sync_roots(VirtRange range);

// Returns the number of entries that sync_roots() has given the master since boot. Any context.
u64 late_root_entries();

} // namespace percival::mm
