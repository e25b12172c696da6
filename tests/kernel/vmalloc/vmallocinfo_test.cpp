// SPDX-License-Identifier: BSD-2-Clause
// Listings of the regions' areas show range, kind and caller of each, and each region has its own areas only.
#include "kernel/lib/symbols.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/vm_support.hpp"

namespace percival {
namespace {

using mm::VmKind;

// Returns the listing's entry for the area that begins at `base`, or nothing if there is none.
std::optional<mm::VmAreaInfo> listed(VirtAddr base)
{
    const auto area = mm::vmalloc_region().next_in_use(base);
    return area && area->range.base == base ? area : std::nullopt;
}

bool is_by(const mm::VmAreaInfo& area, std::string_view function)
{
    const auto symbol = find_symbol(area.caller - Bytes{1});
    return symbol && symbol->name.find(function) != std::string_view::npos;
}

PERCIVAL_TEST(vmallocinfo, an_area_is_listed_with_range_kind_and_caller_while_it_is_in_use)
{
    const auto memory = mm::vmalloc(kPage * 2 + Bytes{1});
    const auto zeroes = mm::vzalloc(kPage);
    const PhysAddr pages[] = {mm::master_root(), mm::master_root()};
    const auto mapped = mm::vmap(pages, mm::kReadOnlyData);
    const auto registers = mm::ioremap(some_registers());
    ASSERT(memory && zeroes && mapped && registers);
    const auto expect_listed = [](VirtAddr base, u64 listed_pages, VmKind kind) {
        const auto area = listed(base);
        ASSERT(area.has_value());
        EXPECT_EQ(area->range.size, kPage * (listed_pages + 1));
        EXPECT_EQ(area->mapped, kPage * listed_pages);
        EXPECT_EQ(area->kind, kind);
        EXPECT(is_by(*area, "an_area_is_listed_with_range_kind_and_caller"));
    };
    expect_listed(address_of(*memory), 3, VmKind::Vmalloc);
    expect_listed(address_of(*zeroes), 1, VmKind::Vmalloc);
    expect_listed(address_of(*mapped), 2, VmKind::Vmap);
    expect_listed(registers->align_down(kPage), 2, VmKind::Device);
    EXPECT(!listed(address_of(*memory) + kPage));

    mm::vfree(*memory);
    EXPECT(!listed(address_of(*memory))); // even before the flush
    mm::vfree(*zeroes);
    mm::vunmap(*mapped);
    mm::iounmap(*registers);
    mm::flush_freed();
    EXPECT(!listed(address_of(*zeroes)) && !listed(address_of(*mapped)) &&
           !listed(registers->align_down(kPage)));
}

template <class F>
void for_each_area(mm::VmRegion& region, F visit)
{
    for (auto area = region.next_in_use(region.range().base); area;
         area = region.next_in_use(area->range.end())) {
        EXPECT(region.range().contains(area->range));
        visit(*area);
        if (!region.range().contains(area->range.end()))
            break;
    }
}

PERCIVAL_TEST(vmallocinfo, percpu_regions_contain_percpu_areas_only)
{
    for (mm::VmRegion* region : {&mm::vmalloc_region(), &mm::modules_region()})
        for_each_area(*region, [](const mm::VmAreaInfo& area) { EXPECT(area.kind != VmKind::Percpu); });
    u32 slabs = 0;
    for_each_area(mm::global_percpu_region(), [&slabs](const mm::VmAreaInfo& area) {
        EXPECT(area.kind == VmKind::Percpu);
        EXPECT_EQ(area.range.base, mm::local_to_global(mm::KernelLayout::kLocalPercpu.base, CpuId{slabs++}));
    });
    EXPECT_EQ(slabs, possible_cpu_count());
    const auto local = mm::local_percpu_region().next_in_use(mm::KernelLayout::kLocalPercpu.base);
    EXPECT(local && local->kind == VmKind::Percpu &&
           local->range.base == mm::KernelLayout::kLocalPercpu.base);
}

} // namespace
} // namespace percival
