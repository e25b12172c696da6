// SPDX-License-Identifier: BSD-2-Clause
// The slabs of one size class, behind the CPUs' own stocks: objects go in and out in batches, under one lock.
//
// Any context: the lock is taken with interrupts masked. Zone locks are taken inside it, never the other way
// round.
//
// INV-object_cache-1: a slab is on the list exactly while it has free objects; at most one slab on it is
//                     empty.
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

// The slab an object of a class is in, if the address is an object's at all.
Slab* slab_of(const void* object, ObjectClass object_class);

// The same, made sure of: null if no object of this class can be there. `index` becomes its number in the
// slab.
Slab* find_object(const void* object, ObjectClass object_class, u32& index);

class ObjectCache : Immovable {
public:
    constexpr ObjectCache() = default;

    // Fills `objects`, with new slabs if need be. How many there were: fewer when memory is short.
    std::size_t take(ObjectClass object_class, std::span<void*> objects) PERCIVAL_EXCLUDES(lock_);
    // Takes objects back. What is no object of the class, or is free already, is reported and left alone.
    void give_back(ObjectClass object_class, std::span<void* const> objects) PERCIVAL_EXCLUDES(lock_);
    // Gives the empty slab, if there is one, back to the page allocator.
    void trim() PERCIVAL_EXCLUDES(lock_);

private:
    Slab* slab_with_room(ObjectClass object_class) PERCIVAL_REQUIRES(lock_);
    void give_back_one(ObjectClass object_class, void* object) PERCIVAL_REQUIRES(lock_);
    void link(Slab& slab) PERCIVAL_REQUIRES(lock_);
    void unlink(Slab& slab) PERCIVAL_REQUIRES(lock_);
    void retire(Slab& slab) PERCIVAL_REQUIRES(lock_);

    SpinLock lock_{};
    Slab* slabs_ PERCIVAL_GUARDED_BY(lock_){nullptr};
    Slab* empty_ PERCIVAL_GUARDED_BY(lock_){nullptr};
};

// That of a class.
ObjectCache& object_cache(ObjectClass object_class);

} // namespace percival::mm
