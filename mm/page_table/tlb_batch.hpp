// SPDX-License-Identifier: BSD-2-Clause
// Batches TLB invalidation: callers queue what they unmapped or changed, and one flush serves all of it. The
// destructor flushes too.
//
// A flush is: DSB ISH (walkers see the changed descriptors, so that no CPU fetches the old ones again), the
// TLBIs, DSB ISH (the TLBIs are complete on every CPU), ISB (this CPU's later instructions use the new
// translations). Arm ARM D8.16. Where arch::needs_repeated_tlbi() returns true, one more TLBI and DSB ISH
// precede the ISB.
//
// The first DSB waits for loads too, so a CPU may flush for another one whose stores it has only seen, by a
// load-acquire for instance. DSB ISHST covers this CPU's stores and what they depend on. No caller needs more
// today, and beside a broadcast TLBI the difference is nothing.
//
// The caller serializes changes to the tree. It may reuse unmapped memory after flush().
//
// INV-tlb_batch-1: a table page is freed by Env::free() only after the flush that follows its unlinking
//     has completed. Until then a walker may be reading the page.
//
// The scope of a batch is part of its type, so a batch for this CPU only cannot be handed to an engine that
// edits a shared tree.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/tlb.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "mm/address_space/pte_format.hpp"

#include <atomic>

namespace percival::mm {

// The cost of all flushes since boot, on all CPUs together. A range TLBI counts as one.
struct TlbStatistics {
    std::atomic<u64> invalidations{0};
    std::atomic<u64> barriers{0}; // DSBs
};
inline constinit TlbStatistics tlb_statistics;

// `MaxItems` is the number of separate ranges that a batch holds before it invalidates everything.
template <class G, class Env, arch::TlbScope Scope = arch::TlbScope::AllCpus, std::size_t MaxItems = 16>
class TlbBatch : Immovable {
public:
    // Maximum number of TLBIs per flush: beyond it, one TLBI for everything is issued instead. Each TLBI is a
    // broadcast that every CPU must answer, at about 100 cycles. Refilling the entries still in use costs a
    // CPU some thousand walks at worst, and these overlap. Linux sets its limit at the entries of one table,
    // 512 at 4 KiB.
    static constexpr u64 kMaxInvalidations = 512;

    explicit TlbBatch(Env& env) : env_{env} {}
    ~TlbBatch() { flush(); }

    // Queues leaves of `size` each that map `range`. `range` begins at a leaf.
    void add_leaves(VirtRange range, Bytes size) { add({range, size, arch::TlbEntries::Leaves}); }

    // Queues a table that was unlinked: no entry leads to it any more. `at` is any address that was
    // translated through it.
    void add_table(VirtAddr at, PhysAddr table)
    {
        if (tables_.size() == kMaxTables)
            flush();
        add({{at, G::kPageSize}, G::kPageSize, arch::TlbEntries::LeavesAndTables});
        static_cast<void>(tables_.push(table)); // never fails: a full list was flushed above
    }

    // Queues everything that TLBs may hold.
    void add_everything() { everything_ = true; }

    void flush()
    {
        if (queue_.empty() && !everything_)
            return;
        arch::dsb<kShareability>();
        const u64 issued = invalidate();
        arch::dsb<kShareability>();
        const u64 repeats = repeat();
        arch::isb();
        tlb_statistics.invalidations.fetch_add(issued + repeats, std::memory_order_relaxed);
        tlb_statistics.barriers.fetch_add(2 + repeats, std::memory_order_relaxed);
        queue_.clear();
        everything_ = false;
        free_tables();
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

    static constexpr std::size_t kMaxTables = MaxItems;
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

    // Only pages are invalidated by range: for blocks, one TLBI each is fewer. A single page takes one TLBI
    // either way, and its operand is simpler.
    static bool goes_by_range(const Item& item)
    {
        return item.leaf_size == G::kPageSize && item.range.size != G::kPageSize && arch::has_range_tlbi();
    }

    static u64 invalidations(const Item& item)
    {
        return goes_by_range(item) ? arch::range_invalidations<G>(item.range) : item.leaves();
    }

    // Issues the queued TLBIs and returns their number.
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

    // Erratum workaround. On affected CPUs a DSB may complete before accesses through the removed entries do;
    // one more TLBI and DSB wait for them. Returns the number of TLBIs added.
    static u64 repeat()
    {
        if (Scope != arch::TlbScope::AllCpus || !arch::needs_repeated_tlbi())
            return 0;
        arch::tlbi_again();
        arch::dsb<kShareability>();
        return 1;
    }

    void free_tables()
    {
        if constexpr (requires(PhysAddr table) { env_.free(table); }) {
            for (const PhysAddr table : tables_)
                env_.free(table);
            // INV-tlb_batch-1
        }
        tables_.clear();
    }

    Env& env_;
    BoundedVector<Item, MaxItems> queue_{};
    BoundedVector<PhysAddr, kMaxTables> tables_{};
    bool everything_{false};
};

} // namespace percival::mm
