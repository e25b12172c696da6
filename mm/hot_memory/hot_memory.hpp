// SPDX-License-Identifier: BSD-2-Clause
// Adds RAM to the running kernel, and takes it away again.
//
// Memory that is added gets a mapping in the linear map (with leaves as large as linear_leaves allows),
// page descriptors, and a zone of its own. Where a root has no entry for these addresses yet, sync_roots()
// gives one to the roots of all possible CPUs before anything is mapped, so a CPU that is offline now has
// the entry when it comes back. The descriptors lie in the first pages of the range itself: any amount of
// memory can be added, and a removal frees them. Translation tables come from the page allocator.
//
//      add:     check, sync roots, map, make the zone, show it to all CPUs
//      remove:  close the zone, empty the caches, count; hide the zone, wait for its readers, unmap, flush,
//               wait for walkers, free the tables
//
// A range is added and removed as a whole. Its address and size are multiples of kHotMemoryUnit, the page
// allocator's largest block. At most kMaxAddedRanges ranges exist at a time.
//
// Threads only, interrupts unmasked: both functions block. They run one at a time, whoever calls.
// remove_memory() keeps CPUs from coming and going (CpusStay), so neither a thread of run_everywhere() nor a
// holder of CpusStay may call it.
//
// INV-hot_memory-1: while a page of a zone is not free, the zone, its descriptors and its mapping stay.
//                   Whoever owns a page may use them without a lock.
// INV-hot_memory-2: whoever owns no page finds a zone only in a read section of RCU
//                   (mm/physical/page_zones.hpp), and walks the tables of added memory in software only in
//                   such a section, or under LinearTablesStay. Descriptors are unmapped, and
//                   tables are freed, after these have ended.
// INV-hot_memory-3: a root's entry for added memory leads to a table, and stays after a removal
//                   (INV-root_sync-1). Only tables below it are freed, and only those that serve nothing but
//                   the range.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/physical/numa.hpp"
#include "mm/physical/page_order.hpp"

#include <expected>
#include <string_view>

namespace percival::mm {

// 4 MiB, 16 MiB and 64 MiB for the three granules.
inline constexpr Bytes kHotMemoryUnit = KernelGeometry::kPageSize * kMaxPageOrder.pages();

inline constexpr u32 kMaxAddedRanges = 64;

enum class HotMemoryError : u8 {
    Empty,         // the size is 0
    Misaligned,    // the address or the size is not a multiple of kHotMemoryUnit
    OutOfReach,    // the range is not in the linear map's window, or ends beyond all physical addresses
    TooLarge,      // more pages than a zone can manage: PageZone::kMaxPages
    IsMemory,      // the machine has RAM there already, or it was added before
    IsReserved,    // the firmware reserved a part of the range
    IsDevice,      // the registers of a device are there
    TooManyRanges, // kMaxAddedRanges ranges exist
    NoMemory,      // no memory for translation tables
    RootsDiffer,   // some CPU's root does not agree with the master (RootSyncError::Differs, Occupied)
};
// Returns what is wrong, to follow a range: "... is not in the linear map's window".
std::string_view description_of(HotMemoryError error);

struct RemoveError {
    enum class Reason : u8 {
        NotAdded, // no range of exactly this address and size was added
        InUse,    // `pages_in_use` pages are not free
    };
    Reason reason;
    u64 pages_in_use;
};

// Adds `range` as memory of `node`. Any CPU may get pages of it before the function returns. After an error
// nothing has changed, except that tables that were made stay, and map nothing.
std::expected<void, HotMemoryError> add_memory(PhysRange range, NumaNode node);

// Takes away a range that add_memory() has added. First it lets no page of the range be allocated, flushes
// freed areas, empties the CPUs' stocks of objects and caches of pages, and repeats that as long as the
// number of pages in use falls. If pages remain in use, the range stays whole, can be allocated from again,
// and the error has their number. No page is moved.
std::expected<void, RemoveError> remove_memory(PhysRange range);

// Returns the number of ranges that were added and not removed. Any context.
u32 added_ranges();

} // namespace percival::mm
