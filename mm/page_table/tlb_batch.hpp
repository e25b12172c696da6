// SPDX-License-Identifier: BSD-2-Clause
// TLB invalidation, collected: what was unmapped or changed is queued, and one flush serves all of it. Ends
// with a flush at the latest when it goes out of scope.
//
// A flush is: DSB ISHST (the changed descriptors are visible to walkers, so that nobody fetches the old ones
// again), the TLBIs, DSB ISH (they are complete on every CPU), ISB (this CPU's later instructions use the new
// translations). Arm ARM D8.16. Where arch::needs_repeated_tlbi() says so, one more TLBI and DSB ISH go before the
// ISB.
//
// The caller holds what serializes changes to the tree. Memory that was unmapped is the caller's again after
// flush().
//
// INV-tlb_batch-1: a table page goes back to Env::release() only after the flush that follows its unlinking
//                  has completed: until then a walker may be reading it.
// INV-tlb_batch-2: a batch for this CPU only cannot be handed to an engine that edits a shared tree: its
//                  scope is its type.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/tlb.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "mm/address_space/pte_format.hpp"

#include <atomic>

namespace percival::mm {

// What flushes have cost since boot, on all CPUs together. A range TLBI counts as one.
struct TlbStatistics {
    std::atomic<u64> invalidations{0};
    std::atomic<u64> barriers{0}; // DSBs
};
inline constinit TlbStatistics tlb_statistics;

template <class G, class Env, arch::TlbScope Scope = arch::TlbScope::AllCpus>
class TlbBatch : Immovable {
public:
    // Beyond this many TLBIs one for everything is issued instead. Each is a broadcast that every CPU has to
    // answer, in the order of 100 cycles; refilling the entries that are still in use costs a CPU some
    // thousand walks at worst, which overlap. Linux draws the line at the entries of a table, 512 at 4 KiB.
    static constexpr u64 kMaxInvalidations = 512;

    explicit TlbBatch(Env& env) : env_{env} {}
    ~TlbBatch() { flush(); }

    // The leaves of `size` each that map `range`, which begins at one.
    void add_leaves(VirtRange range, Bytes size) { add({range, size, arch::TlbEntries::Leaves}); }

    // A table that was unlinked: no entry leads to it any more. `at` is any address that was translated
    // through it.
    void add_table(VirtAddr at, PhysAddr table)
    {
        if (tables_.size() == kMaxTables)
            flush();
        add({{at, G::kPageSize}, G::kPageSize, arch::TlbEntries::LeavesAndTables});
        static_cast<void>(tables_.push(table)); // there is room since the flush
    }

    void flush()
    {
        if (queue_.empty() && !everything_)
            return;
        arch::dsb<kShareability, arch::Access::Store>();
        const u64 issued = invalidate();
        arch::dsb<kShareability>();
        const u64 repeats = repeat();
        arch::isb();
        tlb_statistics.invalidations.fetch_add(issued + repeats, std::memory_order_relaxed);
        tlb_statistics.barriers.fetch_add(2 + repeats, std::memory_order_relaxed);
        queue_.clear();
        everything_ = false;
        release_tables();
    }

private:
    struct Item {
        VirtRange range;
        Bytes leaf_size;
        arch::TlbEntries entries;

        u64 leaves() const { return range.size.count() / leaf_size.count(); }
        bool is_followed_by(const Item& other) const
        {
            return range.end() == other.range.base && leaf_size == other.leaf_size &&
                   entries == other.entries;
        }
    };

    static constexpr std::size_t kMaxItems = 16;
    static constexpr std::size_t kMaxTables = 16;
    static constexpr arch::Shareability kShareability = Scope == arch::TlbScope::AllCpus
                                                            ? arch::Shareability::InnerShareable
                                                            : arch::Shareability::NonShareable;

    void add(const Item& item)
    {
        if (everything_)
            return;
        if (!queue_.empty() && queue_[queue_.size() - 1].is_followed_by(item))
            queue_[queue_.size() - 1].range.size = queue_[queue_.size() - 1].range.size + item.range.size;
        else
            everything_ = !queue_.push(item);
    }

    // Only pages can go by range: for blocks one TLBI each is fewer.
    static bool goes_by_range(const Item& item)
    {
        return item.leaf_size == G::kPageSize && arch::has_range_tlbi();
    }

    static u64 invalidations(const Item& item)
    {
        return goes_by_range(item) ? arch::range_invalidations<G>(item.range) : item.leaves();
    }

    // The number of TLBIs it took.
    u64 invalidate() const
    {
        u64 needed = 0;
        for (const Item& item : queue_)
            needed += invalidations(item);
        if (everything_ || needed > kMaxInvalidations) {
            arch::tlbi_all<Scope>();
            return 1;
        }
        for (const Item& item : queue_)
            invalidate(item);
        return needed;
    }

    static void invalidate(const Item& item)
    {
        if (goes_by_range(item)) {
            arch::tlbi_range<G, Scope>(item.range, item.entries);
            return;
        }
        for (u64 n = 0; n < item.leaves(); ++n)
            arch::tlbi_page<Scope>(item.range.base + item.leaf_size * n, item.entries);
    }

    // Where the TLBIs may be complete before the accesses are that were made through what they removed. The
    // number of TLBIs, each with a barrier.
    static u64 repeat()
    {
        if (Scope != arch::TlbScope::AllCpus || !arch::needs_repeated_tlbi())
            return 0;
        arch::tlbi_again();
        arch::dsb<kShareability>();
        return 1;
    }

    void release_tables()
    {
        if constexpr (requires(PhysAddr table) { env_.release(table); }) {
            for (const PhysAddr table : tables_)
                env_.release(table);
        }
        tables_.clear();
    }

    Env& env_;
    BoundedVector<Item, kMaxItems> queue_{};
    BoundedVector<PhysAddr, kMaxTables> tables_{};
    bool everything_{false};
};

} // namespace percival::mm
