// SPDX-License-Identifier: BSD-2-Clause
#include "percpu_store/support/store_model.hpp"

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

// Updates the list of chunks if a block was allocated or freed. A chunk that was destroyed must not have had
// objects.
void PercpuStoreModel::update_chunks()
{
    if (changes_seen_ == machine().block_changes())
        return;
    changes_seen_ = machine().block_changes();
    chunks_ = bed_.chunks();
    for (const auto& [at, size] : sizes_)
        demand(percpu::chunk_at(at) != nullptr, "a chunk with an object in it was destroyed");
}

// Calls visit(gap) for each range between the objects of a chunk, before the first and behind the last, until
// it returns false. Empty ranges are included.
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

// Checks a place that the store returned, and adds the object to the model.
void PercpuStoreModel::accept(percpu::Request request, VirtAddr place)
{
    const VirtRange object{place, request.size()};
    const percpu::Chunk* chunk = percpu::chunk_at(place);
    if (chunk == nullptr || !bed_.allocatable(*chunk).contains(object))
        return demand(false, "a place is not in the allocatable part of a chunk");
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
        demand(!has_sure_place(request, true), "a free place is not found");
    for (u32 n = 1; n < count; ++n)
        demand(percpu::chunk_at(places[n]) == percpu::chunk_at(places[0]), "the places lie in two chunks");
    if (count != 0 && count < std::min(wanted, percpu::Store::kMaxAtOnce))
        demand(!has_place(*percpu::chunk_at(places[0]), request, true), "fewer places than there are");
    const bool has_few = wanted != 0 && machine().empty_pages() < kLowWaterMark;
    demand(bed_.store.needs_balance() == (had_work || has_few),
           "take() does not call for the worker exactly if few pages are empty");
    return count;
}

std::optional<percpu::Error> PercpuStoreModel::take_blocking(percpu::Request request)
{
    const u64 chunks_before = chunks_.size();
    const bool is_due = machine().empty_pages() < kLowWaterMark;
    const auto place = bed_.store.take_blocking(request);
    demand(!is_due || bed_.store.needs_balance(),
           "take_blocking() does not call for the worker though few pages are empty");
    update_chunks();
    if (chunks_.size() != chunks_before) {
        demand(chunks_.size() == chunks_before + 1, "more than one chunk is added");
        // Nothing in the other chunks has changed, so a place that take_blocking() missed is still free.
        const percpu::Chunk* added = place ? percpu::chunk_at(*place) : nullptr;
        for (const percpu::Chunk* chunk : chunks_) {
            const bool is_sure = place && chunk != added && chunk->slot_kind() != percpu::SlotKind::Sidelined;
            demand(!is_sure || !has_place(*chunk, request, false),
                   "a chunk is added though another has a place");
        }
    }
    if (place) {
        demand(!machine().has_failed(), "a place is returned though its memory could not be allocated");
        accept(request, *place);
        return {};
    }
    if (machine().has_failed()) {
        demand(place.error() == percpu::Error::NoMemory, "the error without memory is not NoMemory");
    } else {
        demand(place.error() == percpu::Error::NoAddresses, "the error with memory is not NoAddresses");
        demand(bed_.window_is_full() && !has_sure_place(request, false), "free addresses are not found");
    }
    return place.error();
}

// Returns whether a free in this chunk has to call for the worker.
bool PercpuStoreModel::put_makes_work(const percpu::Chunk& chunk) const
{
    const bool stays = &chunk == &bed_.first();
    const VirtRange pages{chunk.base(), PercpuStoreMachine::kPage * chunk.all_pages().count()};
    const bool drains = bed_.machine.empty_pages() > kReservePages &&
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
        // The store checks a chunk after each group of places that it frees together.
        const percpu::Chunk* chunk = percpu::chunk_at(places[n]);
        ++in_group;
        const bool goes_on =
            in_group < percpu::Store::kMaxAtOnce && n + 1 < count && percpu::chunk_at(places[n + 1]) == chunk;
        if (goes_on)
            continue;
        in_group = 0;
        has_work |= put_makes_work(*chunk);
    }
    bed_.store.put(places);
    demand(bed_.store.needs_balance() == has_work,
           "put() does not call for the worker exactly if pages or a chunk can be freed");
    for (const VirtAddr place : places)
        demand(percpu::chunk_at(place)->slot_kind() != percpu::SlotKind::Sidelined,
               "a chunk is sidelined after a free");
}

void PercpuStoreModel::note_missed(percpu::Request request)
{
    bed_.store.note_missed(request);
    demand(bed_.store.needs_balance(), "a missed request does not call for the worker");
    if (!missed_ || missed_->grains() < request.grains())
        missed_ = request;
}

void PercpuStoreModel::balance()
{
    const u32 empty_before = machine().empty_pages();
    const u64 populated_before = machine().total_populated();
    const u64 depopulated_before = machine().total_depopulated();
    bed_.store.balance();
    update_chunks();
    const u32 empty = machine().empty_pages();
    demand(empty >= std::min(empty_before, kReservePages), "a page of the reserve was depopulated");
    const bool has_populated = machine().total_populated() != populated_before;
    const bool has_depopulated = machine().total_depopulated() != depopulated_before;
    demand(missed_ || !has_populated || !has_depopulated,
           "pages were depopulated and populated in one balance()");
    if (!machine().has_failed() && !bed_.window_is_full()) {
        demand(empty >= kReservePages, "the reserve is not full after balance()");
        demand(!bed_.store.needs_balance(), "work is left after balance()");
        if (!missed_)
            check_unused();
    }
    // A request stays missed if there was no memory for the reserve.
    if (empty >= kReservePages && missed_)
        check_missed();
}

void PercpuStoreModel::check_missed()
{
    const percpu::Request request = *std::exchange(missed_, std::nullopt);
    if (machine().has_failed() || (bed_.window_is_full() && !has_sure_place(request, true)))
        return;
    demand(take(request, 1) == 1, "a missed request finds no place after balance()");
}

// Checks that there is at most one unused chunk, or that the reserve needs pages of each.
void PercpuStoreModel::check_unused()
{
    u32 unused = 0;
    u32 holders = 0;
    for (const percpu::Chunk* chunk : chunks_) {
        if (chunk == &bed_.first() || !is_unused(*chunk))
            continue;
        ++unused;
        const u32 own = machine().empty_pages(bed_.allocatable(*chunk));
        holders += own != 0 && machine().empty_pages() < kReservePages + own ? 1 : 0;
    }
    demand(unused < 2 || holders == unused, "unused chunks are kept for no reason");
}

void PercpuStoreModel::check_mapped()
{
    for (const percpu::Chunk* chunk : chunks_) {
        const auto area = local_percpu_region().next_in_use(chunk->base());
        const auto pages = chunk->population.populated_pages();
        demand(area && area->mapped == PercpuStoreMachine::kPage * pages, "the mapped size of an area");
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
    demand(said.capacity == known.capacity, "the capacity");
    demand(said.free == known.capacity - in_use_, "the free bytes");
    demand(said.largest == known.largest, "the longest free run");
    demand(said.free_chunks == known.free_chunks, "the number of chunks with nothing in them");
    // Each chunk has a block, and so has the directory.
    demand(machine().blocks() == chunks_.size() + 1, "the number of blocks");
    check_mapped();
}

void PercpuStoreModel::finish()
{
    machine().never_fail();
    put(0, objects_.size());
    balance();
    // Frees also what check_missed() took.
    put(0, objects_.size());
    balance();
    check_statistics();
    const percpu::Chunk& first = bed_.first();
    const u64 of_boot = first.all_pages().count();
    demand(machine().populated_pages() - of_boot < 2 * kReservePages, "more pages than the reserve are left");
    demand(chunk_count() <= 1 + kReservePages,
           "more chunks than the first and those of the reserve are left");
    const std::string left = bed_.take_down();
    demand(left.empty(), left.c_str());
}

} // namespace percival::testing
