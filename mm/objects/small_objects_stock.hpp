// SPDX-License-Identifier: BSD-2-Clause
// A CPU's own stock of small objects, one for each size class. Only its CPU touches it, and only with
// interrupts masked, which excludes interrupt handlers and migration (as in mm/pages/page_cache.hpp).
//
// For mm/objects/small_objects.hpp, which chooses the class where the size is known, at compile time nearly always.
//
// INV-small_objects_stock-1: objects[0 .. count) are in nobody's hands, and taken as far as their slabs know.
#pragma once

#include "mm/objects/object_cache.hpp"
#include "mm/percpu/percpu.hpp"

#include <array>

namespace percival::mm {

struct ObjectStock {
    // Makes the structure 256 bytes.
    static constexpr u32 kMax = 31;

    u32 count{0};
    u16 capacity{0};
    u16 object_class{0};
    std::array<void*, kMax> objects{}; // the last freed on top
};

static_assert(sizeof(ObjectStock) == 256);

extern std::array<PerCpu<ObjectStock>, kObjectClasses> object_stocks;

inline PerCpu<ObjectStock>& object_stock(ObjectClass object_class)
{
    return object_stocks[object_class.index()];
}

// Null: no memory.
void* allocate_from(PerCpu<ObjectStock>& stock);
void free_to(PerCpu<ObjectStock>& stock, void* object);

// Sizes above kLargestSmallObject: blocks of pages.
void* allocate_large(Bytes size);
void free_large(void* object, Bytes size);

} // namespace percival::mm
