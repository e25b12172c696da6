// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/pages.hpp"

#include "arch/cpu/zero_page.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/pages/page_cache.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "mm/percpu_shadow/mapping.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "mm/vmalloc/vmap.hpp"

#include <atomic>

namespace percival::percpu {

using namespace mm;
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

constinit std::atomic<u64> pages_in_use{0};
constinit std::atomic<u64> flush_count{0};

VirtAddr page_address(VirtAddr base, u32 page)
{
    return base + kPage * page;
}

// Returns the page table of a CPU's root, in which its window is mapped page by page (Window::Mapped).
KernelPageTable window_table(CpuId cpu)
{
    return {cpu_root(cpu), kernel_tables()};
}

std::optional<PhysAddr> allocate_zeroed_near(NumaNode node)
{
    const auto page = node == this_cpu_node() ? allocate_page() : allocate_pages_near(node, kOnePage);
    if (page)
        arch::zero_page<kPage.count()>(linear_pointer<void>(*page));
    return page;
}

// A page of a CPU's unit and, in a build with a shadow, the page of its shadow.
struct UnitPage {
    PhysAddr data;
    PhysAddr shadow;
};

std::optional<UnitPage> allocate_unit_page(NumaNode node)
{
    const auto data = allocate_zeroed_near(node);
    if (!data || !kPercpuShadow)
        return data ? std::optional{UnitPage{*data, {}}} : std::nullopt;
    const auto shadow = allocate_zeroed_near(node); // all Unallocated
    if (shadow)
        return UnitPage{*data, *shadow};
    free_page(*data);
    return {};
}

// Maps a page, and its shadow, under one root.
bool map_under(PhysAddr root, VirtAddr at, const UnitPage& page)
{
    if (!vmap_range(root, at, {&page.data, 1}, kData))
        return false;
    if constexpr (kPercpuShadow)
        return shadow::note_mapped(root, {at, kPage}, page.shadow).has_value();
    return true;
}

// Maps one page of a CPU's unit. Single pages, because one may be removed without the others.
bool map_page(CpuId cpu, VirtAddr local, const UnitPage& page)
{
    if (!map_under(master_root(), local_to_global(local, cpu), page))
        return false;
    return window != Window::Mapped || map_under(cpu_root(cpu), local, page);
}

bool populate_page(CpuId cpu, VirtAddr local)
{
    const auto page = allocate_unit_page(page_cache.on(cpu).node);
    if (!page)
        return false;
    if (!map_page(cpu, local, *page)) {
        // If the page is mapped at its global address, a TLB may hold it: remove_everywhere() frees it after
        // a flush.
        const auto found = master_table().walk(local_to_global(local, cpu));
        if (found.kind() != PteKind::Leaf)
            free_page(page->data);
        if constexpr (kPercpuShadow) {
            if (!shadow::is_mapped_for(local_to_global(local, cpu)))
                free_page(page->shadow);
        }
        return false;
    }
    return true;
}

// Unmaps `pages` of a CPU's unit and calls removed(PhysAddr) for each. After a failed populate() only some of
// them are mapped.
template <class Removed>
void remove_pages(CpuId cpu, VirtAddr base, Pages pages, KernelTlbBatch& batch, Removed removed)
{
    KernelPageTable master = master_table();
    for (u32 page = pages.begin; page < pages.end; ++page) {
        const VirtAddr local = page_address(base, page);
        const VirtAddr global = local_to_global(local, cpu);
        const auto found = master.walk(global);
        if (found.kind() != PteKind::Leaf)
            continue;
        removed(found.pte.address());
        master.clear({global, kPage});
        if (window == Window::Mapped)
            window_table(cpu).clear({local, kPage});
        if constexpr (kPercpuShadow) {
            if (const auto memory = shadow::note_unmapped(master_root(), global, batch))
                removed(*memory);
            if (window == Window::Mapped)
                shadow::note_unmapped(cpu_root(cpu), local, batch);
            else if (window == Window::Linked)
                shadow::flush_local(local, batch);
        }
    }
    batch.add_leaves({local_to_global(page_address(base, pages.begin), cpu), kPage * pages.count()}, kPage);
}

} // namespace

void UnitPages::remove_everywhere(VirtAddr base, Pages pages)
{
    {
        KernelTlbBatch batch{kernel_tables()};
        for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
            remove_pages(CpuId{cpu}, base, pages, batch,
                         [this](PhysAddr page) { removed_[removed_count_++] = page; });
        // The local address has a different entry on each CPU. One broadcast invalidates each CPU's own.
        if (window != Window::None)
            batch.add_leaves({page_address(base, pages.begin), kPage * pages.count()}, kPage);
    }
    flush_count.fetch_add(1, std::memory_order_relaxed);
    while (removed_count_ != 0)
        free_page(removed_[--removed_count_]);
}

bool UnitPages::prepare(u32 pages)
{
    constexpr u64 kPagesEach = kPercpuShadow ? 2 : 1; // with the page of its shadow
    const auto memory = vmalloc(Bytes{kPagesEach * pages * possible_cpu_count() * sizeof(PhysAddr)});
    removed_ = memory ? static_cast<PhysAddr*>(*memory) : nullptr;
    return memory.has_value();
}

bool UnitPages::populate(VirtAddr base, Pages pages)
{
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu) {
        for (u32 page = pages.begin; page < pages.end; ++page) {
            if (populate_page(CpuId{cpu}, page_address(base, page)))
                continue;
            remove_everywhere(base, pages);
            return false;
        }
    }
    if constexpr (kPercpuShadow)
        shadow::show({page_address(base, pages.begin), kPage * pages.count()});
    pages_in_use.fetch_add(u64{pages.count()} * possible_cpu_count(), std::memory_order_relaxed);
    return true;
}

void UnitPages::depopulate(VirtAddr base, Pages pages)
{
    if constexpr (kPercpuShadow)
        shadow::hide({page_address(base, pages.begin), kPage * pages.count()});
    remove_everywhere(base, pages);
    pages_in_use.fetch_sub(u64{pages.count()} * possible_cpu_count(), std::memory_order_relaxed);
}

PageStatistics page_statistics()
{
    return {pages_in_use.load(std::memory_order_relaxed), flush_count.load(std::memory_order_relaxed)};
}

} // namespace percival::percpu
