// SPDX-License-Identifier: BSD-2-Clause
// The part of the percpu store that a worker runs: slow work that no caller waits for.
#include "kernel/sync/rcu.hpp"
#include "mm/percpu_memory/store.hpp"
#include "mm/vmalloc/vm_region.hpp"

#include <utility>

namespace percival::percpu {

using namespace mm;

u32 Store::empty_pages()
{
    const IrqSpinGuard guard{lock_};
    return empty_pages_;
}

// Unlinks one unused chunk from the slots and the directory and returns it, or returns null. One unused chunk
// is kept in case it is needed again. A chunk also stays if the reserve needs its pages: the worker would
// have to populate other pages at once, in every run where a unit has only a few pages. The first chunk
// always stays.
Chunk* Store::take_out_unused()
{
    const IrqSpinGuard guard{lock_};
    Chunk* unlinked = nullptr;
    u32 unused = 0;
    for (Chunk* chunk = slots_.first_unused(); chunk != nullptr; chunk = slots_.after(*chunk)) {
        if (chunk->area == nullptr)
            continue;
        ++unused;
        if (empty_pages_ >= kReservePages + chunk->empty_pages() || chunk->empty_pages() == 0)
            unlinked = chunk;
    }
    if (unused < 2 || unlinked == nullptr)
        return nullptr;
    empty_pages_ -= unlinked->empty_pages();
    slots_.remove(*unlinked);
    remove_chunk(*unlinked);
    return unlinked;
}

void Store::destroy(Chunk& chunk)
{
    for (Pages left = chunk.all_pages(); left.count() != 0;) {
        const Pages missing = chunk.population.next_missing(left);
        // All pages before the first missing one have memory.
        if (missing.begin != left.begin)
            pages_.depopulate(chunk.base(), {left.begin, missing.begin});
        left.begin = missing.end;
    }
    local_percpu_region().free(*chunk.area);
    Chunk::unmake(&chunk);
}

void Store::destroy_unused()
{
    Chunk* unlinked = nullptr;
    while (Chunk* chunk = take_out_unused())
        chunk->next_unlinked = std::exchange(unlinked, chunk);
    if (unlinked != nullptr)
        rcu::synchronize(); // INV-percpu_chunk-3
    while (unlinked != nullptr)
        destroy(*std::exchange(unlinked, unlinked->next_unlinked));
}

// Takes the memory from the last empty pages of one queued chunk, but leaves the reserve. Returns false if
// the reserve needs all empty pages, or if no chunk is queued.
bool Store::depopulate_some()
{
    Chunk* chunk = nullptr;
    Pages pages{0, 0};
    {
        const IrqSpinGuard guard{lock_};
        if (empty_pages_ <= kReservePages)
            return false;
        chunk = slots_.take_for_depopulation();
        if (chunk == nullptr)
            return false;
        const Recount recount{empty_pages_, *chunk};
        pages = chunk->population.last_empty(chunk->map, chunk->all_pages().end);
        if (const u32 surplus = empty_pages_ - kReservePages; pages.count() > surplus)
            pages.begin = pages.end - surplus;
        // The first chunk keeps its memory, which it has from boot.
        if (chunk->area == nullptr || pages.count() == 0)
            return true;
        // From here on no caller can allocate in these pages without populating them.
        chunk->population.depopulate(pages);
        chunk->area->mapped = KernelGeometry::kPageSize * chunk->population.populated_pages();
        if (chunk->empty_pages() != 0)
            slots_.queue_depopulation(*chunk);
    }
    pages_.depopulate(chunk->base(), pages);
    return true;
}

// Populates one page, in a new chunk if all others are fully populated. Returns false if there is no memory.
bool Store::populate_one_more()
{
    Chunk* chunk = nullptr;
    Pages page{0, 0};
    for_each_chunk([&](Chunk& candidate) {
        page = candidate.population.next_missing(candidate.all_pages());
        chunk = page.count() == 0 ? nullptr : &candidate;
        return chunk == nullptr;
    });
    if (chunk == nullptr) {
        const auto added = add_chunk();
        if (!added)
            return false;
        chunk = *added;
        page = chunk->all_pages();
    }
    return populate(*chunk, {page.begin, page.begin + 1});
}

// Populates a place for the largest request that atomic callers have missed, and frees it for the next of
// them.
void Store::make_missed_ready()
{
    std::optional<Request> request;
    {
        const IrqSpinGuard guard{lock_};
        request = std::exchange(missed_, std::nullopt);
    }
    if (!request)
        return;
    const auto place = take_with_memory(*request);
    if (!place)
        return;
    const IrqSpinGuard guard{lock_};
    Chunk& chunk = *chunk_at(*place);
    const Bytes offset = chunk.offset_of(*place);
    free_in(chunk, {&offset, 1});
}

void Store::balance()
{
    const MutexGuard guard{populating_};
    needs_balance_.store(false, std::memory_order_relaxed);
    destroy_unused();
    while (depopulate_some()) {
    }
    while (empty_pages() < kReservePages) {
        if (!populate_one_more())
            return;
    }
    make_missed_ready();
}

StoreStatistics Store::statistics()
{
    const MutexGuard guard{populating_};
    const IrqSpinGuard locked{lock_};
    StoreStatistics found{};
    for_each_chunk([&found](Chunk& chunk) {
        ++found.chunks;
        found.free_chunks += chunk.is_unused() ? 1 : 0;
        found.pages += chunk.all_pages().count();
        found.populated += chunk.population.populated_pages();
        found.empty += chunk.empty_pages();
        found.capacity = found.capacity + chunk.map.allocatable_size();
        found.free = found.free + chunk.map.free_bytes();
        found.largest = std::max(found.largest, chunk.map.largest_free());
        return true;
    });
    return found;
}

} // namespace percival::percpu
