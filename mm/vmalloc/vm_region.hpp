// SPDX-License-Identifier: BSD-2-Clause
// A VmRegion allocates the addresses of a region. It hands out the lowest hole that has room, in O(log n) of
// the number of areas.
//
// For an alignment above the granule, a hole is sure to have room if it is larger than the request by the
// alignment less a page. The lowest such hole is taken. Only if there is none are smaller holes tried, in
// order, for one whose base happens to suit.
//
// Areas tile all addresses of the region, free ones included. They stand in one tree ordered by address. Each
// node knows the largest free area below it, so a walk down finds the lowest one that fits. The order also
// shows which neighbours a freed area merges with.
//
// Any context: the lock is taken with interrupts masked. Nothing is mapped or invalidated here; the caller of
// free() has flushed the addresses.
//
// Invariants: each area begins where the one before it ends; no two free areas are neighbours.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

class VmRegion : Immovable {
public:
    // `guard` is the number of bytes at the end of each area that stay unmapped.
    constexpr VmRegion(VirtRange range, Bytes guard) : whole_{range}, guard_{guard} {}

    VirtRange range() const { return whole_; }

    // Returns a Reserved area of `size` bytes and the guard behind them. `size` is a multiple of the granule
    // and not 0; `alignment` is a power of two and at least a granule. Errors: BadSize, BadAlignment,
    // NoAddresses, NoMemory.
    std::expected<VmArea*, VmError> allocate(Bytes size, Bytes alignment) PERCIVAL_EXCLUDES(lock_);
    // Makes the addresses of an area free again. The area is Reserved, Freed or Spare and belongs to the
    // caller. No TLB may hold an entry for it.
    void free(VmArea& area) PERCIVAL_EXCLUDES(lock_);

    // Turns the Used area that begins at `base` into a Freed one that belongs to the caller. Returns null if
    // there is no such area, or not of this kind. If two callers claim one area, only one gets it.
    VmArea* claim(VirtAddr base, VmKind kind) PERCIVAL_EXCLUDES(lock_);

    // Returns the kind of the Used area that contains `address`, or nothing if there is none.
    std::optional<VmKind> use_of(VirtAddr address) PERCIVAL_EXCLUDES(lock_);

    // Returns a snapshot of the first Used area that begins at `from` or behind it, or nothing if there is
    // none.
    std::optional<VmAreaInfo> next_in_use(VirtAddr from) PERCIVAL_EXCLUDES(lock_);

    // Returns the number of areas that are not free.
    u64 areas_in_use() PERCIVAL_EXCLUDES(lock_);

private:
    bool start() PERCIVAL_REQUIRES(lock_);
    VmArea* find(VirtAddr address) PERCIVAL_REQUIRES(lock_);
    VmArea* find_hole(Bytes size, Bytes alignment) PERCIVAL_REQUIRES(lock_);
    bool cut(VmArea& hole, VirtRange wanted) PERCIVAL_REQUIRES(lock_);
    VmArea& merge(VmArea& low, VmArea& high) PERCIVAL_REQUIRES(lock_);

    VirtRange whole_;
    Bytes guard_;
    SpinLock lock_{};
    AddressTree<VmArea> areas_ PERCIVAL_GUARDED_BY(lock_){};
};

namespace vm_region_detail {
extern VmRegion vmalloc_region;
}
// Is inline, because every free of an area calls it.
inline VmRegion& vmalloc_region()
{
    return vm_region_detail::vmalloc_region;
}
VmRegion& modules_region();
VmRegion& global_percpu_region();
VmRegion& local_percpu_region();

} // namespace percival::mm
