// SPDX-License-Identifier: BSD-2-Clause
// What the small-object allocator says when its rules are broken, and the checks of debug builds
// (kPoisonFreedMemory), which see each object when it changes hands. Any context.
#pragma once

#include "mm/objects/object_cache_sizes.hpp"

#include <string_view>

namespace percival::mm {

// Reports the free of something that is no object of the class, or was free already.
[[gnu::cold]] void report_wrong_object(const void* object, ObjectClass object_class, std::string_view what);

// An object leaves a CPU's stock for somebody's hands: its poison must be whole.
void check_allocated(void* object, ObjectClass object_class);

// An object comes back, and is poisoned. False, after a report: it is none, or was not in anybody's hands.
[[nodiscard]] bool check_freed(void* object, ObjectClass object_class);

} // namespace percival::mm
