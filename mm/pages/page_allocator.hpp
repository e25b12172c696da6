// SPDX-License-Identifier: BSD-2-Clause
// Pages of RAM, by their physical addresses: single ones from the CPU's page cache (mm/pages/page_cache.hpp),
// blocks of up to 2^kMaxPageOrder pages from the zones (mm/physical/page_zone.hpp). The CPU's own NUMA node comes
// first, then all others.
//
// Any context, interrupt handlers included, on any CPU that runs on its own root. Memory is not zeroed unless
// the name says so. No page is ever physical address 0. Nothing means: no memory, or that failure was asked
// for (mm/pages/allocation_failure.hpp).
//
// A wrong free (of a page that is free already, was never handed out, is no RAM, is not aligned, or was
// allocated with another order) is reported on the console with the address, counted
// (MemoryStatistics::bad_frees), and otherwise without effect. In debug builds freed memory is poisoned, and
// a write to it is reported when the page is handed out again.
//
// INV-page_allocator-1: a page has one owner: its zone's free lists, one CPU's page cache, or whoever
//                       allocated it. It goes from the last to another by a compare-exchange of its
//                       descriptor, so that of two frees one is refused.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "mm/physical/numa.hpp"
#include "mm/physical/page_order.hpp"

#include <optional>

namespace percival::mm {

// Takes over what early memory has left; from then on that has nothing. A bank without room for its
// descriptors is left out, and said so. Boot CPU, once, after setup_percpu_areas(); pages can be allocated
// once the CPU is on its own root.
void start_page_allocator(const MachineDescription& machine);
bool page_allocator_has_started();

// The node of the calling CPU.
NumaNode this_cpu_node();

std::optional<PhysAddr> allocate_page();
// No user in the kernel yet.
std::optional<PhysAddr> allocate_zeroed_page();
void free_page(PhysAddr page);

// A block of 2^order pages at a multiple of its size; from the CPU's own node first, or from `node` first.
std::optional<PhysAddr> allocate_pages(PageOrder order);
std::optional<PhysAddr> allocate_pages_near(NumaNode node, PageOrder order);
void free_pages(PhysAddr block, PageOrder order);

// Gives the pages in this CPU's page cache back to their zones. Any context.
void drain_page_cache();

// For the small-object allocator: makes a block that was allocated its own, which free_pages() then refuses,
// and back.
void claim_for_objects(PhysAddr block, PageOrder order);
void release_from_objects(PhysAddr block, PageOrder order);
// True for the first page of a block of that order that was claimed.
bool is_claimed_for_objects(PhysAddr block, PageOrder order);

} // namespace percival::mm
