// SPDX-License-Identifier: BSD-2-Clause
// Another source of small objects in front of the slabs, for debugging (mm/guarded_objects). The CPUs' stocks
// then stay empty for good, so that every request takes the slow path, and the fast path asks nothing more.
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/objects/object_cache_sizes.hpp"

namespace percival::mm {

// Both are called in any context.
struct ObjectGuard {
    // Returns an object of the class, or null: the slabs then serve the request.
    void* (*allocate)(ObjectClass object_class);
    // Returns false if `object` is not one of the guard's. A wrong free of one of them is reported.
    bool (*free)(void* object, ObjectClass object_class);
};

// From now on requests go to `guard` first. `cpus` is the number of possible CPUs. Boot CPU, once, before any
// other CPU runs.
void install_object_guard(const ObjectGuard& guard, u32 cpus);

} // namespace percival::mm
