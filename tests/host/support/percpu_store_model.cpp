// SPDX-License-Identifier: BSD-2-Clause
#include "support/percpu_store_model.hpp"

#include "mm/vmalloc/vm_region.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace percival::testing {

using namespace mm;

const std::string& PercpuStoreModel::complaint() const
{
    return complaint_.empty() ? bed_.machine.complaint() : complaint_;
}

void PercpuStoreModel::demand(bool holds, const char* what)
{
    if (!holds && complaint_.empty())
        complaint_ = what;
}

// Chunks come and go with their blocks. What has gone had no objects.
void PercpuStoreModel::look_at_chunks()
{
    if (changes_seen_ == machine().block_changes())
        return;
    changes_seen_ = machine().block_changes();
    chunks_ = bed_.chunks();
    for (const auto& [at, size] : sizes_)
        demand(percpu::chunk_at(at) != nullptr, "a chunk went with an object in it");
}

// What lies between the objects of a chunk, before the first and behind the last, empty ranges included; until
// `visit` is false.
template <class Visit>
void PercpuStoreModel::for_each_gap(const percpu::Chunk& chunk, Visit visit) const
{
    const VirtRange whole = bed_.allocatable(chunk);
    VirtAddr at = whole.base;
    for (auto object = sizes_.lower_bound(at); object != sizes_.end() && object->first < whole.end();
         ++object) {
        if (!visit(VirtRange{at, object->first - at}))
            return;
        at = object->first + object->second;
    }
    visit(VirtRange{at, whole.end() - at});
}

bool PercpuStoreModel::fits(VirtRange gap, percpu::Request request, bool with_memory) const
{
    const Bytes alignment = percpu::kGrain * request.alignment();
    VirtAddr at = gap.base.align_up(alignment);
    while (at + request.size() <= gap.end()) {
        VirtAddr last_missing{};
        for (VirtAddr page = at.align_down(PercpuStoreMachine::kPage); page < at + request.size();
             page += PercpuStoreMachine::kPage) {
            if (with_memory && !bed_.machine.is_populated(page))
                last_missing = page;
        }
        if (last_missing == VirtAddr{})
            return true;
        at = (last_missing + PercpuStoreMachine::kPage).align_up(alignment);
    }
    return false;
}

bool PercpuStoreModel::has_place(const percpu::Chunk& chunk, percpu::Request request, bool with_memory) const
{
    bool found = false;
    for_each_gap(chunk, [&](VirtRange gap) {
        found = gap.size >= request.size() && fits(gap, request, with_memory);
        return !found;
    });
    return found;
}

bool PercpuStoreModel::has_sure_place(percpu::Request request, bool with_memory) const
{
    return std::ranges::any_of(chunks_, [&](const percpu::Chunk* chunk) {
        return chunk->slot_kind() != percpu::SlotKind::Sidelined && has_place(*chunk, request, with_memory);
    });
}

Bytes PercpuStoreModel::largest_free(const percpu::Chunk& chunk) const
{
    Bytes largest{};
    for_each_gap(chunk, [&largest](VirtRange gap) {
        largest = std::max(largest, gap.size);
        return true;
    });
    return largest;
}

bool PercpuStoreModel::is_unused(const percpu::Chunk& chunk) const
{
    const VirtRange whole = bed_.allocatable(chunk);
    const auto object = sizes_.lower_bound(whole.base);
    return object == sizes_.end() || object->first >= whole.end();
}

// It is the caller's from now on.
void PercpuStoreModel::accept(percpu::Request request, VirtAddr place)
{
    const VirtRange object{place, request.size()};
    const percpu::Chunk* chunk = percpu::chunk_at(place);
    if (chunk == nullptr || !bed_.allocatable(*chunk).contains(object))
        return demand(false, "a place is not in what a chunk may give");
    demand(place.is_aligned(percpu::kGrain * request.alignment()), "a place is not aligned");
    const auto next = sizes_.lower_bound(place);
    demand(next == sizes_.end() || object.end() <= next->first, "a place overlaps the object behind it");
    demand(next == sizes_.begin() || std::prev(next)->first + std::prev(next)->second <= place,
           "a place overlaps the object before it");
    machine().use(object);
    if (!sizes_.emplace(place, object.size).second)
        return;
    objects_.push_back(place);
    in_use_ = in_use_ + object.size;
}

u32 PercpuStoreModel::take(percpu::Request request, u32 wanted)
{
    const bool had_work = bed_.store.needs_balance();
    std::vector<VirtAddr> places(wanted);
    const u32 count = bed_.store.take(request, places);
    demand(count <= std::min(wanted, percpu::Store::kMaxAtOnce), "more places than were asked for");
    for (u32 n = 0; n < count && complaint_.empty(); ++n)
        accept(request, places[n]);
    if (wanted != 0 && count == 0)
        demand(!has_sure_place(request, true), "a place is not found");
    for (u32 n = 1; n < count; ++n)
        demand(percpu::chunk_at(places[n]) == percpu::chunk_at(places[0]), "places of two chunks");
    if (count != 0 && count < std::min(wanted, percpu::Store::kMaxAtOnce))
        demand(!has_place(*percpu::chunk_at(places[0]), request, true), "fewer places than there are");
    const bool has_few = wanted != 0 && machine().empty_pages() < kFew;
    demand(bed_.store.needs_balance() == (had_work || has_few), "work exactly when few pages are empty");
    return count;
}

std::optional<percpu::Error> PercpuStoreModel::take_blocking(percpu::Request request)
{
    const u64 chunks_before = chunks_.size();
    const bool is_due = machine().empty_pages() < kFew;
    const auto place = bed_.store.take_blocking(request);
    demand(!is_due || bed_.store.needs_balance(), "work when few pages are empty");
    look_at_chunks();
    if (chunks_.size() != chunks_before) {
        demand(chunks_.size() == chunks_before + 1, "one chunk at a time");
        // What was there is there still: nothing else has changed yet.
        const percpu::Chunk* added = place ? percpu::chunk_at(*place) : nullptr;
        for (const percpu::Chunk* chunk : chunks_) {
            const bool is_sure = place && chunk != added && chunk->slot_kind() != percpu::SlotKind::Sidelined;
            demand(!is_sure || !has_place(*chunk, request, false), "a chunk too many");
        }
    }
    if (place) {
        demand(!machine().has_failed(), "a place, though memory for it was not to be had");
        accept(request, *place);
        return {};
    }
    if (machine().has_failed()) {
        demand(place.error() == percpu::Error::NoMemory, "without memory: no other error");
    } else {
        demand(place.error() == percpu::Error::NoAddresses, "with memory there is but one error");
        demand(bed_.window_is_full() && !has_sure_place(request, false), "addresses are not found");
    }
    return place.error();
}

// Of the chunk something has been given back to.
bool PercpuStoreModel::give_makes_work(const percpu::Chunk& chunk) const
{
    const bool stays = &chunk == &bed_.first();
    const VirtRange pages{chunk.base(), PercpuStoreMachine::kPage * chunk.all_pages().count()};
    const bool drains = bed_.machine.empty_pages() > kEnough &&
                        4 * bed_.machine.empty_pages(pages) >= chunk.all_pages().count();
    return drains || (is_unused(chunk) && !stays);
}

void PercpuStoreModel::put(std::size_t first, std::size_t count)
{
    const auto begin = objects_.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<VirtAddr> places(begin, begin + static_cast<std::ptrdiff_t>(count));
    objects_.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
    bool has_work = bed_.store.needs_balance();
    u32 in_group = 0;
    for (std::size_t n = 0; n < count; ++n) {
        const auto object = sizes_.find(places[n]);
        machine().unuse({object->first, object->second});
        in_use_ = in_use_ - object->second;
        sizes_.erase(object);
        // The store looks at a chunk after so many.
        const percpu::Chunk* chunk = percpu::chunk_at(places[n]);
        ++in_group;
        const bool goes_on =
            in_group < percpu::Store::kMaxAtOnce && n + 1 < count && percpu::chunk_at(places[n + 1]) == chunk;
        if (goes_on)
            continue;
        in_group = 0;
        has_work |= give_makes_work(*chunk);
    }
    bed_.store.put(places);
    demand(bed_.store.needs_balance() == has_work, "work exactly when there is something to gain");
    for (const VirtAddr place : places)
        demand(percpu::chunk_at(place)->slot_kind() != percpu::SlotKind::Sidelined,
               "who has gained room is searched");
}

void PercpuStoreModel::note_missed(percpu::Request request)
{
    bed_.store.note_missed(request);
    demand(bed_.store.needs_balance(), "what was missed is work");
    if (!missed_ || missed_->grains() < request.grains())
        missed_ = request;
}

void PercpuStoreModel::balance()
{
    const u32 empty_before = machine().empty_pages();
    const u64 given_before = machine().pages_given();
    const u64 taken_before = machine().pages_taken();
    bed_.store.balance();
    look_at_chunks();
    const u32 empty = machine().empty_pages();
    demand(empty >= std::min(empty_before, kEnough), "no page goes that is one of few");
    const bool gave = machine().pages_given() != given_before;
    const bool took = machine().pages_taken() != taken_before;
    demand(missed_ || !gave || !took, "no memory goes and is got anew");
    if (!machine().has_failed() && !bed_.window_is_full()) {
        demand(empty >= kEnough, "the reserve is full");
        demand(!bed_.store.needs_balance(), "no work is left");
        if (!missed_)
            check_unused();
    }
    // It stays missed where there was no memory for the reserve.
    if (empty >= kEnough && missed_)
        check_missed();
}

void PercpuStoreModel::check_missed()
{
    const percpu::Request request = *std::exchange(missed_, std::nullopt);
    if (machine().has_failed() || (bed_.window_is_full() && !has_sure_place(request, true)))
        return;
    demand(take(request, 1) == 1, "what an atomic caller has missed, the next one finds");
}

// Of unused chunks there is one, or each holds pages without which the reserve were not full.
void PercpuStoreModel::check_unused()
{
    u32 unused = 0;
    u32 holders = 0;
    for (const percpu::Chunk* chunk : chunks_) {
        if (chunk == &bed_.first() || !is_unused(*chunk))
            continue;
        ++unused;
        const u32 own = machine().empty_pages(bed_.allocatable(*chunk));
        holders += own != 0 && machine().empty_pages() < kEnough + own ? 1 : 0;
    }
    demand(unused < 2 || holders == unused, "unused chunks are kept for no reason");
}

void PercpuStoreModel::check_mapped()
{
    for (const percpu::Chunk* chunk : chunks_) {
        const auto area = local_percpu_region().next_in_use(chunk->base());
        const auto pages = chunk->population.populated_pages();
        demand(area && area->mapped == PercpuStoreMachine::kPage * pages, "what an area says is mapped");
    }
}

void PercpuStoreModel::check_statistics()
{
    const percpu::StoreStatistics said = bed_.store.statistics();
    percpu::StoreStatistics known{};
    for (const percpu::Chunk* chunk : chunks_) {
        ++known.chunks;
        known.pages += chunk->all_pages().count();
        known.capacity = known.capacity + bed_.allocatable(*chunk).size;
        known.largest = std::max(known.largest, largest_free(*chunk));
        known.free_chunks += is_unused(*chunk) ? 1 : 0;
    }
    demand(said.chunks == known.chunks, "the number of chunks");
    demand(said.pages == known.pages, "the number of pages");
    demand(said.populated == machine().populated_pages(), "the number of pages with memory");
    demand(said.empty == machine().empty_pages(), "the number of empty pages");
    demand(said.capacity == known.capacity, "what can be allocated");
    demand(said.free == known.capacity - in_use_, "what is free");
    demand(said.largest == known.largest, "the largest free piece");
    demand(said.free_chunks == known.free_chunks, "the number of chunks with nothing in them");
    // A block for each, and the directory's.
    demand(machine().blocks() == chunks_.size() + 1, "as many blocks as chunks");
    check_mapped();
}

void PercpuStoreModel::finish()
{
    machine().never_fail();
    put(0, objects_.size());
    balance();
    // What was missed and is found now.
    put(0, objects_.size());
    balance();
    check_statistics();
    const percpu::Chunk& first = bed_.first();
    const u64 of_boot = first.all_pages().count();
    demand(machine().populated_pages() - of_boot < 2 * kEnough, "the reserve is a few pages");
    demand(chunk_count() <= 1 + kEnough, "the first chunk is left, and those of the reserve");
    const std::string left = bed_.take_down();
    demand(left.empty(), left.c_str());
}

} // namespace percival::testing
