// SPDX-License-Identifier: BSD-2-Clause
#include "mm/pages/page_reports.hpp"

#include "kernel/lib/print.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/memory_statistics.hpp"

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

// Completes the sentence "it ..." of a report: what the page is that was to be freed with `order`.
std::string_view description_of(PageState found, PageOrder order)
{
    switch (found.use()) {
    case PageUse::Free:
    case PageUse::Cached:
        return "is free already";
    case PageUse::Objects:
        return "holds small objects";
    case PageUse::Allocated:
        return found.order() == order ? "was freed elsewhere at the same time"
                                      : "was allocated with another order";
    case PageUse::None:
        break;
    }
    return "is not the start of a block that was handed out";
}

} // namespace

void report_foreign_free(PhysAddr block, PageOrder order)
{
    bad_frees.inc();
    print("memory: free of {} (order {}) refused: no block of this size was ever handed out there", block,
          order.number());
}

void report_wrong_free(PhysAddr block, PageOrder order, PageState found)
{
    bad_frees.inc();
    print("memory: free of {} (order {}) refused: it {}", block, order.number(),
          description_of(found, order));
}

void report_late_write(VirtAddr address)
{
    late_writes.inc();
    print("memory: {} was written to after it had been freed", address);
}

void poison_page(PhysAddr page)
{
    poison(linear_pointer<void>(page), kPage);
}

void poison_block(PageZone& zone, PhysAddr block, PageOrder order)
{
    PageDescriptor* descriptor = zone.find(block);
    for (u32 page = 0; page < order.pages(); ++page) {
        poison_page(block + kPage * page);
        descriptor[page].store(PageState{}.with_poison(true));
    }
}

void check_poison(PhysAddr page, const PageDescriptor& descriptor)
{
    if (!descriptor.load().is_poisoned())
        return;
    if (const auto offset = find_damaged_poison(linear_pointer<void>(page), kPage))
        report_late_write(linear_address(page) + *offset);
}

void check_poison_of_block(PageZone& zone, PhysAddr block, PageOrder order)
{
    PageDescriptor* descriptor = zone.find(block);
    for (u32 page = 0; page < order.pages(); ++page) {
        check_poison(block + kPage * page, descriptor[page]);
        descriptor[page].store(descriptor[page].load().with_poison(false));
    }
}

void check_poison_of_zone(const PageZone& zone)
{
    for (u64 page = 0; page < zone.known_pages(); ++page)
        check_poison(zone.base() + kPage * page, zone.descriptors()[page]);
}

} // namespace percival::mm
