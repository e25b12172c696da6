// SPDX-License-Identifier: BSD-2-Clause
// The store: all chunks of percpu memory. Stocks and unusual sizes take places from it and put them back.
//
//   take()           Any context. Takes places in pages that have memory.
//   take_blocking()  May block. Populates pages, and makes a new chunk if necessary.
//   put()            Any context.
//   balance()        May block; run by a worker. Destroys unused chunks, takes the memory of empty pages, and
//                    keeps a reserve of a few empty pages for take().
//
// INV-percpu_store-1: maps, populations and slots change under lock_. The set of populated pages and the set
//     of chunks change under populating_ as well. Memory is allocated, mapped and flushed without lock_.
// INV-percpu_store-2: empty_pages_ is the number of empty pages in all chunks
//     (mm/percpu_memory/population.hpp).
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "kernel/wait/mutex.hpp"
#include "mm/percpu_memory/chunk.hpp"
#include "mm/percpu_memory/pages.hpp"

namespace percival::percpu {

enum class Error : u8 {
    BadSize,      // 0, or more than kMaxSize
    BadAlignment, // not a power of two, or larger than a page
    NoMemory,     // for atomic callers: no page that has memory has room
    NoAddresses,  // the slabs have no room for another chunk
};

// Numbers are those of one CPU's units.
struct StoreStatistics {
    u32 chunks;
    u32 pages;       // pages of all chunks
    u32 populated;   // pages that have memory
    u32 empty;       // populated pages whose grains are all free
    Bytes capacity;  // bytes that can be allocated, whether in use or free
    Bytes free;      // bytes of the capacity that are free
    Bytes largest;   // the longest free run
    u32 free_chunks; // chunks in which nothing is allocated
};

class Store : Immovable {
public:
    // The most places that one take() returns, and that put() frees in one go.
    static constexpr u32 kMaxAtOnce = 32;

    // The two lines of the initializers tell the locks apart (kernel/sync/lock_order.hpp).
    constexpr Store()
        : populating_{}, // first
          lock_{}
    {
    }

    // Allocates the list of removed pages. Returns false if there is no memory. The boot CPU calls it once,
    // before start(), without the mutex: nothing else uses the store yet.
    [[nodiscard]] bool prepare_pages() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
    {
        return pages_.prepare(static_cast<u32>(kUnit / mm::KernelGeometry::kPageSize));
    }
    // Starts with the first chunk, which has its memory. The boot CPU calls it once, before any other call.
    void start(Chunk& first);

    // Takes up to places.size() places for the request, all in one chunk, and returns how many.
    u32 take(Request request, std::span<VirtAddr> places) PERCIVAL_EXCLUDES(lock_);
    // Takes one place, in pages that it populates if necessary.
    std::expected<VirtAddr, Error> take_blocking(Request request) PERCIVAL_EXCLUDES(lock_, populating_);
    // Records that an atomic caller found no place for the request. The next balance() populates a place for
    // the largest such request.
    void note_missed(Request request) PERCIVAL_EXCLUDES(lock_);
    // Frees places that were taken. They must be correct: callers have checked the tag (INV-percpu_chunk-2).
    void put(std::span<const VirtAddr> places) PERCIVAL_EXCLUDES(lock_);

    // Does the worker's part. Process context: may block.
    void balance() PERCIVAL_EXCLUDES(lock_, populating_);
    // Returns whether balance() has something to do. Any context.
    bool needs_balance() const { return needs_balance_.load(std::memory_order_relaxed); }

    StoreStatistics statistics() PERCIVAL_EXCLUDES(lock_, populating_);

private:
    // The number of empty pages below which take() calls for balance(), and the number that balance() keeps.
    static constexpr u32 kLowWaterMark = 2;
    static constexpr u32 kReservePages = 4;

    // Updates the count of empty pages after a change of a chunk (INV-percpu_store-2).
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

    // Calls visit(chunk) for each chunk in the directory, in order of address, until it returns false.
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
    // The largest request that an atomic caller missed since the last balance().
    std::optional<Request> missed_ PERCIVAL_GUARDED_BY(lock_){};
    std::atomic<bool> needs_balance_{false};
};

// Returns the only store.
Store& store();

} // namespace percival::percpu
