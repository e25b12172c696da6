// SPDX-License-Identifier: BSD-2-Clause
// The slabs of one size class, behind the CPUs' own stocks. Objects go in and out in batches, under one lock.
//
// Any context: the lock is taken with interrupts masked. Zone locks are taken inside it, never the other way
// round.
//
// Invariant: a slab is on the list exactly while it has free objects, except for the kept empty slab. At most
// one empty slab is kept.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/objects/object_cache_slab.hpp"

#include <span>

namespace percival::mm {

inline constexpr Bytes kLargestSmallObject{KernelGeometry::kPageSize.count() / 2};
inline constexpr u32 kObjectClasses = ObjectClass::of(kLargestSmallObject).index() + 1;

constexpr SlabShape kernel_slab_shape(ObjectClass object_class)
{
    return slab_shape(object_class, KernelGeometry::kPageSize, Bytes{sizeof(Slab)}, Slab::kMaps);
}

// Returns the slab that contains an object of a class, if the address is an object's at all.
Slab* slab_of(const void* object, ObjectClass object_class);

// Returns the slab of an object, or null if no object of this class can be at the address. Sets `index` to
// the number of the object in the slab.
Slab* find_object(const void* object, ObjectClass object_class, u32& index);

class ObjectCache : Immovable {
public:
    constexpr ObjectCache() = default;

    // Fills `objects`, from new slabs if needed. Returns the number of objects, which is smaller when memory
    // is short.
    std::size_t take(ObjectClass object_class, std::span<void*> objects) PERCIVAL_EXCLUDES(lock_);
    // Puts objects back into their slabs. Reports and ignores an address that is no object of the class or is
    // free already.
    void put(ObjectClass object_class, std::span<void* const> objects) PERCIVAL_EXCLUDES(lock_);
    // Frees the empty slab, if there is one.
    void trim() PERCIVAL_EXCLUDES(lock_);

private:
    Slab* slab_with_room(ObjectClass object_class) PERCIVAL_REQUIRES(lock_);
    void put_one(ObjectClass object_class, void* object) PERCIVAL_REQUIRES(lock_);
    void link(Slab& slab) PERCIVAL_REQUIRES(lock_);
    void unlink(Slab& slab) PERCIVAL_REQUIRES(lock_);
    void retire(Slab& slab) PERCIVAL_REQUIRES(lock_);

    SpinLock lock_{};
    Slab* slabs_ PERCIVAL_GUARDED_BY(lock_){nullptr};
    Slab* empty_ PERCIVAL_GUARDED_BY(lock_){nullptr};
};

// Returns the cache of a class.
ObjectCache& object_cache(ObjectClass object_class);

} // namespace percival::mm
