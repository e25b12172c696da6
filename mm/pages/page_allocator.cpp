// SPDX-License-Identifier: BSD-2-Clause
#include "mm/pages/page_allocator.hpp"

#include "arch/cpu/zero_page.hpp"
#include "kernel/sync/preemption.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_cache.hpp"
#include "mm/pages/page_reports.hpp"
#include "mm/physical/page_zones.hpp"

#include <bit>

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<PageCache> page_cache{};
PERCIVAL_PERCPU PerCpu<u32> allocations_until_failure{};

namespace {

constexpr PageState kAllocatedPage{PageUse::Allocated};
constexpr PageState kCachedPage = PageState{PageUse::Cached}.with_poison(kPoisonFreedMemory);

// All functions that take a PageCache run with interrupts masked, on the cache's CPU.

// Takes the newest page out of the cache, which is not empty, and marks it as allocated.
PhysAddr pop(PageCache& cache)
{
    const PageHandle handle = cache.pages[--cache.count];
    if constexpr (kPoisonFreedMemory)
        check_poison(handle.page, *handle.descriptor);
    handle.descriptor->store(kAllocatedPage);
    return handle.page;
}

// Puts a page into the cache, which is not full. The page is marked as Cached already.
void push(PageCache& cache, PageHandle handle)
{
    if constexpr (kPoisonFreedMemory)
        poison_page(handle.page);
    cache.pages[cache.count++] = handle;
}

// Notes the zone whose pages free_page() may take on its fast path.
void remember(PageCache& cache, const PageZone& zone)
{
    cache.zone_base = zone.base();
    cache.descriptors = zone.descriptors();
    cache.known_pages = zone.known_pages();
}

// Fills half of the empty cache from the first zone that has pages, nearest node first. Returns false if none
// has.
bool refill(PageCache& cache)
{
    return page_zones().visit_from(cache.node, [&cache](PageZone& zone) {
        const std::size_t count = zone.allocate_cached(std::span{cache.pages}.first(kPageCacheBatch));
        if (count == 0)
            return false;
        cache.count = static_cast<u32>(count);
        remember(cache, zone);
        page_cache_refills.inc();
        pages_taken.add(count);
        if (zone.node() != cache.node)
            remote_pages.add(count);
        return true;
    });
}

// Frees the `count` pages that have been in the cache for longest to their zones.
void drain(PageCache& cache, std::size_t count)
{
    const auto oldest = std::span<const PageHandle>{cache.pages}.first(count);
    std::size_t left = count;
    page_zones().visit_from(cache.node, [&](PageZone& zone) {
        left -= zone.free_cached(oldest);
        return left == 0;
    });
    std::copy(cache.pages.begin() + count, cache.pages.begin() + cache.count, cache.pages.begin());
    cache.count -= static_cast<u32>(count);
    page_cache_drains.inc();
    pages_returned.add(count);
}

// Allocates a page when the cache is empty or a failure is planned.
[[gnu::noinline]] std::optional<PhysAddr> allocate_page_slowly()
{
    const auto cache = page_cache.masked();
    if (must_fail_now() || (cache->count == 0 && !refill(*cache))) {
        allocation_failures.inc();
        return std::nullopt;
    }
    return pop(*cache);
}

// Frees a block to its zone; its descriptor is None already.
void free_to_zone(PageZone& zone, PhysAddr block, PageOrder order)
{
    if constexpr (kPoisonFreedMemory)
        poison_block(zone, block, order);
    zone.free(block, order);
    pages_returned.add(order.pages());
}

// Returns the zone's descriptor for the first page of a block that was allocated with `order`. For anything
// else it reports a wrong free and returns null. `zone` may be null.
PageDescriptor* find_to_free(PageZone* zone, PhysAddr block, PageOrder order)
{
    const Bytes size = KernelGeometry::kPageSize * order.pages();
    PageDescriptor* descriptor = zone == nullptr || !block.is_aligned(size) ? nullptr : zone->find(block);
    if (descriptor == nullptr)
        report_foreign_free(block, order);
    else if (!descriptor->load().is(PageUse::Allocated, order))
        report_wrong_free(block, order, descriptor->load());
    else
        return descriptor;
    return nullptr;
}

// Frees a page that the fast path refused: to the cache, to its zone if that is on another node, or with a
// report.
[[gnu::noinline]] void free_page_slowly(PhysAddr page)
{
    const auto cache = page_cache.masked();
    PageZone* zone = page_zones().containing(page);
    PageDescriptor* descriptor = find_to_free(zone, page, kOnePage);
    if (descriptor == nullptr)
        return;
    const bool is_near = zone->node() == cache->node && !zone->is_closed();
    // INV-page_allocator-1: another CPU may have freed the page since it was found.
    if (!descriptor->change(kAllocatedPage, is_near ? kCachedPage : PageState{}))
        return report_wrong_free(page, kOnePage, descriptor->load());
    if (!is_near)
        return free_to_zone(*zone, page, kOnePage);
    if (cache->count == kPageCacheCapacity)
        drain(*cache, kPageCacheBatch);
    push(*cache, {page, descriptor});
    remember(*cache, *zone);
}

} // namespace

PageZones& page_zones()
{
    static constinit PageZones zones;
    return zones;
}

NumaNode this_cpu_node()
{
    const PreemptGuard pin;
    return page_cache.here(pin).node;
}

std::optional<PhysAddr> allocate_page()
{
    {
        const auto cache = page_cache.masked();
        if (cache->count != 0 && !failure_is_planned()) [[likely]]
            return pop(*cache);
    }
    // Interrupts are unmasked again here, so the slow path looks anew, perhaps on another CPU.
    return allocate_page_slowly();
}

std::optional<PhysAddr> allocate_zeroed_page()
{
    const auto page = allocate_page();
    if (page)
        arch::zero_page<KernelGeometry::kPageSize.count()>(linear_pointer<void>(*page));
    return page;
}

void free_page(PhysAddr page)
{
    {
        const auto cache = page_cache.masked();
        // The rotation makes a huge index of an address that is not page-aligned or lies below the zone, so
        // one compare refuses both, and addresses above the zone.
        const u64 index = std::rotr((page - cache->zone_base).count(), KernelGeometry::kPageShift);
        if (index < cache->known_pages && cache->count != kPageCacheCapacity) [[likely]] {
            PageDescriptor& descriptor = cache->descriptors[index];
            if (descriptor.change(kAllocatedPage, kCachedPage)) [[likely]]
                return push(*cache, {page, &descriptor});
        }
    }
    free_page_slowly(page);
}

std::optional<PhysAddr> allocate_pages_near(NumaNode node, PageOrder order)
{
    std::optional<PhysAddr> block;
    if (order > kMaxPageOrder || must_fail_now() || !page_zones().visit_from(node, [&](PageZone& zone) {
            block = zone.allocate(order);
            if (block && zone.node() != node)
                remote_pages.add(order.pages());
            return block.has_value();
        })) {
        allocation_failures.inc();
        return std::nullopt;
    }
    pages_taken.add(order.pages());
    if constexpr (kPoisonFreedMemory)
        check_poison_of_block(*page_zones().containing(*block), *block, order);
    return block;
}

std::optional<PhysAddr> allocate_pages(PageOrder order)
{
    return order == kOnePage ? allocate_page() : allocate_pages_near(this_cpu_node(), order);
}

void free_pages(PhysAddr block, PageOrder order)
{
    if (order == kOnePage)
        return free_page(block);
    PageZone* zone;
    {
        const PreemptGuard reading; // the zone of a block that is not the caller's may be removed meanwhile
        zone = page_zones().containing(block);
        PageDescriptor* descriptor = find_to_free(zone, block, order);
        if (descriptor == nullptr)
            return;
        if (!descriptor->change(PageState{PageUse::Allocated, order}, PageState{}))
            return report_wrong_free(block, order, descriptor->load());
    }
    free_to_zone(*zone, block, order);
}

void drain_page_cache()
{
    const auto cache = page_cache.masked();
    if (cache->count != 0)
        drain(*cache, cache->count);
    cache->known_pages = 0; // the zone that was used last may be about to go
}

void claim_for_objects(PhysAddr block, PageOrder order)
{
    page_zones().containing(block)->find(block)->store(PageState{PageUse::Objects, order});
}

void unclaim_for_objects(PhysAddr block, PageOrder order)
{
    page_zones().containing(block)->find(block)->store(PageState{PageUse::Allocated, order});
}

bool is_claimed_for_objects(PhysAddr block, PageOrder order)
{
    const PreemptGuard reading; // as in free_pages()
    PageZone* zone = page_zones().containing(block);
    const PageDescriptor* descriptor = zone == nullptr ? nullptr : zone->find(block);
    return descriptor != nullptr && descriptor->load().is(PageUse::Objects, order);
}

} // namespace percival::mm
