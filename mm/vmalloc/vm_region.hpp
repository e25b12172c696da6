// SPDX-License-Identifier: BSD-2-Clause
// The address allocator of a region: hands out the lowest hole that has room, in O(log n) of the number of
// areas. For more than a granule's alignment that is the lowest with room wherever it begins; a hole that fits
// only as it happens to lie is looked for when there is no such hole, and then in order.
//
// All addresses of the region are tiled by areas, free ones included, in one tree ordered by address. Each
// node knows the largest free area below it, so the way to the lowest one that fits is a walk down. Freed
// neighbours merge, which the order gives for nothing.
//
// Any context: the lock is taken with interrupts masked. Nothing is mapped or invalidated here. What is given
// back must have been flushed.
//
// INV-vm_region-1: the areas tile the region: each begins where the one before ends.
// INV-vm_region-2: no two free areas are neighbours.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

class VmRegion : Immovable {
public:
    // `guard`: unmapped addresses behind each area.
    constexpr VmRegion(VirtRange range, Bytes guard) : whole_{range}, guard_{guard} {}

    VirtRange range() const { return whole_; }

    // An area of `size` and the guard behind it, Reserved; `size` is a multiple of the granule and not 0,
    // `alignment` a power of two, a granule at least.
    std::expected<VmArea*, VmError> allocate(Bytes size, Bytes alignment) PERCIVAL_EXCLUDES(lock_);
    // Makes an area's addresses free again. It must be Reserved, Freed or a Spare of the caller's, and
    // nobody's TLB may know it.
    void release(VmArea& area) PERCIVAL_EXCLUDES(lock_);

    // The used area that begins at `base`, Freed from now on and the caller's. Null: there is none, or not of
    // this kind. Of two that claim one area, one gets it.
    VmArea* claim(VirtAddr base, VmKind kind) PERCIVAL_EXCLUDES(lock_);

    // What the area that an address is in is used for; nothing if it is not in use.
    std::optional<VmKind> use_of(VirtAddr address) PERCIVAL_EXCLUDES(lock_);

    // The first area in use that begins at `from` or behind it, as it is now.
    std::optional<VmAreaInfo> next_in_use(VirtAddr from) PERCIVAL_EXCLUDES(lock_);

    // Areas that are not free. For accounting.
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

VmRegion& vmalloc_region();
VmRegion& modules_region();
VmRegion& global_percpu_region();
VmRegion& local_percpu_region();

} // namespace percival::mm
