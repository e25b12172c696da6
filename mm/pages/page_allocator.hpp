// SPDX-License-Identifier: BSD-2-Clause
// The page allocator hands out pages of RAM by their physical addresses: single pages from the CPU's page
// cache (mm/pages/page_cache.hpp), and blocks of up to 2^kMaxPageOrder pages from the zones
// (mm/physical/page_zone.hpp). It tries the CPU's own NUMA node first and then all others.
//
// Any context, interrupt handlers included, on any CPU that runs on its own root. Only allocate_zeroed_page()
// zeroes memory. No page has the physical address 0. A function that returns nothing found no memory, or
// failed on request (mm/pages/allocation_failure.hpp).
//
// A free is wrong if the page is free already, was never handed out, is not RAM, is not aligned, or was
// allocated with another order. A wrong free is reported on the console with the address, counted
// (MemoryStatistics::bad_frees), and has no other effect. In debug builds freed memory is poisoned, and a
// write to it is reported when the page is handed out again.
//
// INV-page_allocator-1: a page has one owner: its zone's free lists, one CPU's page cache, or the code that
//                       allocated it. That code gives it up by a compare-exchange of its descriptor, so if
//                       two CPUs free one page, one of them is refused.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "mm/physical/numa.hpp"
#include "mm/physical/page_order.hpp"

#include <optional>

namespace percival::mm {

// Takes over all that early memory has left; early memory is empty afterwards. Leaves out a bank that has no
// room for its page descriptors, and prints that. Boot CPU, once, after setup_percpu_areas(). Pages can be
// allocated once the CPU runs on its own root.
void start_page_allocator(const MachineDescription& machine);

// Returns true after start_page_allocator(). Any context.
bool page_allocator_has_started();

// Returns the NUMA node of the current CPU, which may be another one when the function returns.
NumaNode this_cpu_node();

// Allocate a page.
std::optional<PhysAddr> allocate_page();
std::optional<PhysAddr> allocate_zeroed_page();

// Frees a page from allocate_page(), allocate_zeroed_page(), or allocate_pages() with order 0.
void free_page(PhysAddr page);

// Allocate a block of 2^order pages at a multiple of its size. allocate_pages() tries the CPU's own node
// first, and allocate_pages_near() tries `node` first.
std::optional<PhysAddr> allocate_pages(PageOrder order);
std::optional<PhysAddr> allocate_pages_near(NumaNode node, PageOrder order);

// Frees a block; `order` is the one that it was allocated with.
void free_pages(PhysAddr block, PageOrder order);

// Frees the pages in this CPU's page cache to their zones, and forgets which zone was used last. Any context.
void drain_page_cache();

// Mark an allocated block as used for small objects, and undo that. In between, free_pages() refuses the
// block. For the small-object allocator, which owns the block.
void claim_for_objects(PhysAddr block, PageOrder order);
void unclaim_for_objects(PhysAddr block, PageOrder order);

// Returns true if `block` is the first page of a block of this order that claim_for_objects() has marked.
bool is_claimed_for_objects(PhysAddr block, PageOrder order);

} // namespace percival::mm
