// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/store.hpp"

#include "mm/vmalloc/vm_region.hpp"

namespace percival::percpu {

using namespace mm;

void Store::start(Chunk& first)
{
    const IrqSpinGuard guard{lock_};
    slots_.add(first);
    empty_pages_ = first.empty_pages();
}

u32 Store::take(Request request, std::span<VirtAddr> places)
{
    if (places.empty())
        return 0;
    std::array<Bytes, kMaxAtOnce> offsets;
    const auto wanted = std::span{offsets}.first(std::min<std::size_t>(places.size(), kMaxAtOnce));
    const IrqSpinGuard guard{lock_};
    u32* empty = &empty_pages_;
    u32 count = 0;
    Chunk* chunk = slots_.allocate(request, false, [&](Chunk& candidate) {
        const Recount recount{*empty, candidate};
        count = candidate.map.allocate_many(request, wanted, candidate.population.populated_blocks());
        return count != 0;
    });
    for (u32 n = 0; n < count; ++n)
        places[n] = chunk->base() + offsets[n];
    if (empty_pages_ < kLowWaterMark)
        needs_balance_.store(true, std::memory_order_relaxed);
    return count;
}

void Store::note_missed(Request request)
{
    const IrqSpinGuard guard{lock_};
    if (!missed_ || missed_->grains() < request.grains())
        missed_ = request;
    needs_balance_.store(true, std::memory_order_relaxed);
}

// Takes a place in any chunk, whether its pages have memory or not. Returns the chunk, or null.
Chunk* Store::take_anywhere(Request request, Bytes& offset)
{
    const IrqSpinGuard guard{lock_};
    u32* empty = &empty_pages_;
    return slots_.allocate(request, true, [&](Chunk& candidate) {
        const Recount recount{*empty, candidate};
        const auto found = candidate.map.allocate(request);
        offset = found.value_or(Bytes{0});
        return found.has_value();
    });
}

std::expected<Chunk*, Error> Store::add_chunk()
{
    const auto area = local_percpu_region().allocate(kUnit, kUnit);
    if (!area)
        return std::unexpected{area.error() == VmError::NoMemory ? Error::NoMemory : Error::NoAddresses};
    Chunk* chunk = Chunk::make((*area)->range.base, {kUnit, Bytes{0}, kUnit});
    if (chunk == nullptr) {
        local_percpu_region().free(**area);
        return std::unexpected{Error::NoMemory};
    }
    chunk->area = *area;
    chunk->area->kind = VmKind::Percpu;
    chunk->area->mapped = Bytes{0}; // a reused note may have the value of a destroyed chunk
    chunk->area->become(VmState::Used);
    enter_chunk(*chunk);
    const IrqSpinGuard guard{lock_};
    slots_.add(*chunk);
    return chunk;
}

bool Store::populate(Chunk& chunk, Pages pages)
{
    if (!pages_.populate(chunk.base(), pages))
        return false;
    const IrqSpinGuard guard{lock_};
    const Recount recount{empty_pages_, chunk};
    chunk.population.populate(pages);
    if (chunk.area != nullptr)
        chunk.area->mapped = KernelGeometry::kPageSize * chunk.population.populated_pages();
    return true;
}

std::expected<VirtAddr, Error> Store::take_blocking(Request request)
{
    VirtAddr place{};
    if (take(request, {&place, 1}) == 1)
        return place;
    const MutexGuard guard{populating_};
    return take_with_memory(request);
}

std::expected<VirtAddr, Error> Store::take_with_memory(Request request)
{
    Bytes offset{0};
    Chunk* chunk = take_anywhere(request, offset);
    if (chunk == nullptr) {
        if (const auto added = add_chunk(); !added)
            return std::unexpected{added.error()};
        chunk = take_anywhere(request, offset);
    }
    if (chunk == nullptr)
        return std::unexpected{Error::NoMemory};
    Pages left = chunk->population.pages_of(offset, request.size());
    for (;;) {
        const Pages missing = chunk->population.next_missing(left);
        if (missing.count() == 0)
            return chunk->base() + offset;
        if (!populate(*chunk, missing))
            break;
        left.begin = missing.end;
    }
    const VirtAddr place = chunk->base() + offset;
    put({&place, 1});
    return std::unexpected{Error::NoMemory};
}

void Store::free_in(Chunk& chunk, std::span<const Bytes> offsets)
{
    {
        const Recount recount{empty_pages_, chunk};
        chunk.map.free_many(offsets);
    }
    slots_.after_free(chunk);
}

// Queues a chunk for depopulation if at least a quarter of its pages is empty and the reserve is exceeded,
// and lets it drain. Calls for balance() then, and for an unused chunk.
void Store::notice_empty_pages(Chunk& chunk)
{
    if (empty_pages_ > kReservePages && 4 * chunk.empty_pages() >= chunk.all_pages().count()) {
        if (chunk.area != nullptr)
            slots_.isolate(chunk);
        slots_.queue_depopulation(chunk);
        needs_balance_.store(true, std::memory_order_relaxed);
    }
    if (chunk.is_unused() && chunk.area != nullptr)
        needs_balance_.store(true, std::memory_order_relaxed);
}

void Store::put(std::span<const VirtAddr> places)
{
    const IrqSpinGuard guard{lock_};
    while (!places.empty()) {
        // Frees places of the same chunk together. It is in the directory: INV-percpu_chunk-1.
        Chunk& chunk = *chunk_at(places.front());
        std::array<Bytes, kMaxAtOnce> offsets;
        u32 count = 0;
        while (count < kMaxAtOnce && count < places.size() && chunk_at(places[count]) == &chunk) {
            offsets[count] = chunk.offset_of(places[count]);
            ++count;
        }
        free_in(chunk, std::span{offsets}.first(count));
        notice_empty_pages(chunk);
        places = places.subspan(count);
    }
}

Store& store()
{
    static constinit Store store;
    return store;
}

} // namespace percival::percpu
