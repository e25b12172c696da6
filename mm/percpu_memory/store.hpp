// SPDX-License-Identifier: BSD-2-Clause
// All chunks of percpu memory but what the CPUs have in stock: where an allocation comes from when no stock has
// it, and where it goes back to.
//
//   take()          any context: from pages that have memory
//   take_blocking() may block: gets memory, and a new chunk if need be
//   put()          any context
//   balance()       may block: the worker's part. Destroys chunks that nothing is allocated in, takes memory
//                   from pages that nobody uses, and sees to it that a few such pages are left for take()
//
// INV-percpu_store-1: maps, populations and slots change under lock_; which pages have memory, and which chunks
//                     there are, under populating_ besides. Memory is allocated, mapped and flushed with lock_
//                     dropped.
// INV-percpu_store-2: empty_pages_ is the number of pages with memory that no allocation touches, in all
//                     chunks.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "kernel/wait/mutex.hpp"
#include "mm/percpu_memory/chunk.hpp"
#include "mm/percpu_memory/pages.hpp"

namespace percival::percpu {

enum class Error : u8 {
    BadSize,      // 0, or more than kMaxSize
    BadAlignment, // no power of two, or more than a page
    NoMemory,     // for atomic callers: no page that has memory has room
    NoAddresses,  // the slabs are full
};

struct StoreStatistics {
    u32 chunks;
    u32 pages;       // of one CPU's units
    u32 populated;   // of these
    u32 empty;       // of these
    Bytes capacity;  // that can be allocated, of one CPU
    Bytes free;      // of that
    Bytes largest;   // free in one piece
    u32 free_chunks; // with nothing allocated in them
};

class Store : Immovable {
public:
    // As many as fit into one take() or put().
    static constexpr u32 kMaxAtOnce = 32;

    // The locks are told apart by where they are initialized (kernel/sync/lock_order.hpp).
    constexpr Store()
        : populating_{}, // first
          lock_{}
    {
    }

    // Makes room for the pages that units lose at once. False: no memory. Boot CPU, once, before start():
    // nobody else knows the store yet.
    [[nodiscard]] bool prepare_pages() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
    {
        return pages_.prepare(static_cast<u32>(kUnit / mm::KernelGeometry::kPageSize));
    }
    // With the chunk whose memory is there already. Boot CPU, once, before any other call.
    void start(Chunk& first);

    // Places of one kind; how many there were.
    u32 take(Request request, std::span<VirtAddr> places) PERCIVAL_EXCLUDES(lock_);
    std::expected<VirtAddr, Error> take_blocking(Request request) PERCIVAL_EXCLUDES(lock_, populating_);
    // An atomic caller found no place of this kind: balance() is to see to it that the next one does.
    void note_missed(Request request) PERCIVAL_EXCLUDES(lock_);
    // Of what was taken. All of it is known to be right (INV-percpu_chunk-2).
    void put(std::span<const VirtAddr> places) PERCIVAL_EXCLUDES(lock_);

    void balance() PERCIVAL_EXCLUDES(lock_, populating_);
    // Whether there is something for balance() to do.
    bool needs_balance() const { return needs_balance_.load(std::memory_order_relaxed); }

    StoreStatistics statistics() PERCIVAL_EXCLUDES(lock_, populating_);

private:
    // Pages that are kept for take(), and how many have to be left before there are more.
    static constexpr u32 kFewEmptyPages = 2;
    static constexpr u32 kEnoughEmptyPages = 4;

    // Keeps the count of empty pages right across a change of a chunk.
    class Recount : Immovable {
    public:
        Recount(u32& total, const Chunk& chunk) : total_{total}, chunk_{chunk}, before_{chunk.empty_pages()}
        {
        }
        ~Recount() { total_ = total_ - before_ + chunk_.empty_pages(); }

    private:
        u32& total_;
        const Chunk& chunk_;
        u32 before_;
    };

    Chunk* take_anywhere(Request request, Bytes& offset) PERCIVAL_REQUIRES(populating_)
        PERCIVAL_EXCLUDES(lock_);
    std::expected<VirtAddr, Error> take_with_memory(Request request) PERCIVAL_REQUIRES(populating_)
        PERCIVAL_EXCLUDES(lock_);
    std::expected<Chunk*, Error> add_chunk() PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);
    bool populate(Chunk& chunk, Pages pages) PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);
    void free_in(Chunk& chunk, std::span<const Bytes> offsets) PERCIVAL_REQUIRES(lock_);
    void notice_empty_pages(Chunk& chunk) PERCIVAL_REQUIRES(lock_);

    Chunk* take_out_unused() PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);
    void destroy(Chunk& chunk) PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);
    void destroy_unused() PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);
    bool depopulate_some() PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);
    bool populate_one_more() PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);
    u32 empty_pages() PERCIVAL_EXCLUDES(lock_);
    void make_missed_ready() PERCIVAL_REQUIRES(populating_) PERCIVAL_EXCLUDES(lock_);

    // By address, until `visit` is false.
    template <class Visit>
    static void for_each_chunk(Visit visit)
    {
        const Chunk* before = nullptr;
        for (u64 unit = 0; unit < kUnits; ++unit) {
            Chunk* chunk = chunk_of_unit(unit);
            if (chunk != nullptr && chunk != before && !visit(*chunk))
                return;
            before = chunk;
        }
    }

    Mutex populating_;
    SpinLock lock_;
    UnitPages pages_ PERCIVAL_GUARDED_BY(populating_){};
    Slots<Chunk> slots_ PERCIVAL_GUARDED_BY(lock_){};
    u32 empty_pages_ PERCIVAL_GUARDED_BY(lock_){0};
    // The largest since the last balance().
    std::optional<Request> missed_ PERCIVAL_GUARDED_BY(lock_){};
    std::atomic<bool> needs_balance_{false};
};

Store& store();

} // namespace percival::percpu
