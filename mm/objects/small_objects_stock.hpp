// SPDX-License-Identifier: BSD-2-Clause
// A CPU's own stock of small objects, one for each size class. Only its CPU touches it, through
// PerCpu::masked().
//
// For mm/objects/small_objects.hpp, which chooses the class where the size is known, nearly always at compile
// time.
//
// Invariant: no caller has any of objects[0 .. count), but their slabs count them as taken.
#pragma once

#include "mm/objects/object_cache.hpp"
#include "mm/percpu/percpu.hpp"

#include <array>

namespace percival::mm {

struct ObjectStock {
    // Chosen so that the structure is 256 bytes.
    static constexpr u32 kMax = 31;

    u32 count{0};
    u16 capacity{0};
    u16 object_class{0};
    std::array<void*, kMax> objects{}; // the last freed object is on top
};

static_assert(sizeof(ObjectStock) == 256);

extern std::array<PerCpu<ObjectStock>, kObjectClasses> object_stocks;

inline PerCpu<ObjectStock>& object_stock(ObjectClass object_class)
{
    return object_stocks[object_class.index()];
}

// Allocates from and frees to this CPU's stock of one class. Null: no memory.
void* allocate_from(PerCpu<ObjectStock>& stock);
void free_to(PerCpu<ObjectStock>& stock, void* object);

// Allocates and frees sizes above kLargestSmallObject, as blocks of pages.
void* allocate_large(Bytes size);
void free_large(void* object, Bytes size);

} // namespace percival::mm
