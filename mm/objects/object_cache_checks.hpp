// SPDX-License-Identifier: BSD-2-Clause
// Reports of the small-object allocator when a caller breaks its rules, and the checks of debug builds
// (kPoisonFreedMemory) each time an object is allocated or freed. Any context.
#pragma once

#include "mm/objects/object_cache_sizes.hpp"

#include <string_view>

namespace percival::mm {

// Reports a free of something that is not an object of the class, or that was free already.
[[gnu::cold]] void report_wrong_object(const void* object, ObjectClass object_class, std::string_view what);

// Checks an object that leaves a CPU's stock for a caller: its poison must be intact.
void check_allocated(void* object, ObjectClass object_class);

// Poisons an object that a caller frees. Returns false, after a report, if it is not an allocated
// object.
[[nodiscard]] bool check_freed(void* object, ObjectClass object_class);

} // namespace percival::mm
