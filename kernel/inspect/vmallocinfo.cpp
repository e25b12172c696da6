// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/inspect/dumps.hpp"

#include "kernel/lib/print.hpp"
#include "kernel/lib/symbols.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vm_region.hpp"

namespace percival {
namespace {

void print_area(std::string_view region_name, const mm::VmAreaInfo& area)
{
    std::array<char, kLineLength> room;
    Writer text{room};
    format(text, "vmallocinfo: {:-13} {} to {} {:9} {:6} pages {}", region_name, area.range.base,
           area.range.end() - Bytes{1}, area.range.size,
           area.mapped.count() / mm::KernelGeometry::kPageSize.count(), mm::name_of(area.kind));
    if (area.caller != VirtAddr{0}) {
        text.put(", by ");
        put_address(text, area.caller, AddressKind::Return);
    }
    print("{}", text.text());
}

// Prints a line for each area in use, and the totals of the region.
void list_areas(std::string_view region_name, mm::VmRegion& region)
{
    Bytes mapped{0};
    u64 count = 0;
    for (VirtAddr at = region.range().base; region.range().contains(at);) {
        const auto area = region.next_in_use(at);
        if (!area)
            break;
        print_area(region_name, *area);
        mapped = mapped + area->mapped;
        ++count;
        at = area->range.end();
    }
    print("vmallocinfo: {:-13} {} areas in use, {} mapped", region_name, count, mapped);
}

} // namespace

void print_vmallocinfo()
{
    list_areas("modules", mm::modules_region());
    list_areas("vmalloc", mm::vmalloc_region());
    list_areas("global percpu", mm::global_percpu_region());
    list_areas("local percpu", mm::local_percpu_region());
    const mm::FreedStatistics freed = mm::freed_statistics();
    print("vmallocinfo: {} flushes so far, of {} areas", freed.flushes, freed.areas);
}

} // namespace percival
