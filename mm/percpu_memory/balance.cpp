// SPDX-License-Identifier: BSD-2-Clause
// The part of the percpu store that is a worker's: what takes long and nobody waits for.
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

// A chunk with nothing allocated in it, no longer to be found. Null: what is left of them is one, which stays in case
// it is wanted again, or holds pages without which there were not enough: to give those up would be to get them anew at
// once, which is what every run of the worker would do where a unit has but a few pages. The first chunk is none of them.
Chunk* Store::take_out_unused()
{
    const IrqSpinGuard guard{lock_};
    Chunk* unlinked = nullptr;
    u32 unused = 0;
    for (Chunk* chunk = slots_.first_unused(); chunk != nullptr; chunk = slots_.after(*chunk)) {
        if (chunk->area == nullptr)
            continue;
        ++unused;
        if (empty_pages_ >= kEnoughEmptyPages + chunk->empty_pages() || chunk->empty_pages() == 0)
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
        // What lies before the first page that is missing has memory.
        if (missing.begin != left.begin)
            pages_.depopulate(chunk.base(), {left.begin, missing.begin});
        left.begin = missing.end;
    }
    local_percpu_region().release(*chunk.area);
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

// Takes memory from the last empty pages of a chunk that has some, as far as that is more than enough. False:
// there is no such chunk.
bool Store::depopulate_some()
{
    Chunk* chunk = nullptr;
    Pages pages{0, 0};
    {
        const IrqSpinGuard guard{lock_};
        if (empty_pages_ <= kEnoughEmptyPages)
            return false;
        chunk = slots_.take_for_depopulation();
        if (chunk == nullptr)
            return false;
        const Recount recount{empty_pages_, *chunk};
        pages = chunk->population.last_empty(chunk->map, chunk->all_pages().end);
        if (const u32 surplus = empty_pages_ - kEnoughEmptyPages; pages.count() > surplus)
            pages.begin = pages.end - surplus;
        // The first chunk's memory is part of what the machine booted with.
        if (chunk->area == nullptr || pages.count() == 0)
            return true;
        // From here on nobody can be given anything in them.
        chunk->population.depopulate(pages);
        chunk->area->mapped = KernelGeometry::kPageSize * chunk->population.populated_pages();
        if (chunk->empty_pages() != 0)
            slots_.queue_depopulation(*chunk);
    }
    pages_.depopulate(chunk->base(), pages);
    return true;
}

// False: no memory.
bool Store::populate_one_more()
{
    Chunk* chunk = nullptr;
    Pages page{0, 0};
    for_each_chunk([&](Chunk& asked) {
        page = asked.population.next_missing(asked.all_pages());
        chunk = page.count() == 0 ? nullptr : &asked;
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

// Gets memory for one of what atomic callers have missed, in one piece, and leaves it to the next of them.
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
    while (empty_pages() < kEnoughEmptyPages) {
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
