// SPDX-License-Identifier: BSD-2-Clause
// Reports of wrong use of the page allocator, and the poison that finds writes to freed pages. Each report
// prints a line to the console and counts in the statistics. Any context.
#pragma once

#include "mm/physical/page_poison.hpp"
#include "mm/physical/page_zone.hpp"

namespace percival::mm {

// Reports a free of something that is no block at all: not RAM, not aligned, or never handed out.
[[gnu::cold]] void report_foreign_free(PhysAddr block, PageOrder order);

// Reports a free of a page whose descriptor says `found`: free already, of another order, or used otherwise.
[[gnu::cold]] void report_wrong_free(PhysAddr block, PageOrder order, PageState found);

// Reports that freed memory at `address` was written to.
[[gnu::cold]] void report_late_write(VirtAddr address);

// Fills a page with poison. The caller owns the page and marks its descriptor.
void poison_page(PhysAddr page);

// Fills a block with poison and marks all its descriptors. The caller is about to give the block to its zone,
// and its first descriptor is None.
void poison_block(PageZone& zone, PhysAddr block, PageOrder order);

// Reports a late write if the page is marked as poisoned but its poison is damaged. The caller owns the page.
void check_poison(PhysAddr page, const PageDescriptor& descriptor);

// Checks all pages of a block in that way and removes their marks. The caller owns the block.
void check_poison_of_block(PageZone& zone, PhysAddr block, PageOrder order);

// Checks all pages of a zone in that way. All of them are free, and nobody allocates or frees meanwhile.
void check_poison_of_zone(const PageZone& zone);

} // namespace percival::mm
