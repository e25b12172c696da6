// SPDX-License-Identifier: BSD-2-Clause
// What the page allocator says when its rules are broken, and the poison of whole pages. Each report is a
// line on the console and a count in the statistics. Any context.
#pragma once

#include "mm/physical/page_poison.hpp"
#include "mm/physical/page_zone.hpp"

namespace percival::mm {

// A free of what is no block at all: no RAM, not aligned, or memory that was never handed out.
[[gnu::cold]] void report_foreign_free(PhysAddr block, PageOrder order);
// A free of what `found` says is something else.
[[gnu::cold]] void report_wrong_free(PhysAddr block, PageOrder order, PageState found);
[[gnu::cold]] void report_late_write(VirtAddr address);

// Fills a page with poison. Who owns the page marks its descriptor.
void poison_page(PhysAddr page);
// The same for a block on its way to its zone, its first descriptor None; marks all its descriptors.
void poison_block(PageZone& zone, PhysAddr block, PageOrder order);

// Reports a page that is marked as poisoned and is not any more. The page, or the block, belongs to the
// caller.
void check_poison(PhysAddr page, const PageDescriptor& descriptor);
// The same for all pages of a block, and takes the marks off.
void check_poison_of_block(PageZone& zone, PhysAddr block, PageOrder order);

} // namespace percival::mm
