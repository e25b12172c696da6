// SPDX-License-Identifier: BSD-2-Clause
// Allocates memory for the kernel's objects, by size. Sizes up to half a page come from the CPU's own stock
// of objects of the size class (mm/objects/object_cache_sizes.hpp), backed by slabs. Larger sizes are whole
// blocks of pages.
//
//      Thread* thread = create<Thread>(arguments);     // null: no memory
//      destroy(thread);
//      Owned<Thread> owned{create<Thread>(arguments)}; // destroyed with its owner
//
// Any context, interrupt handlers included, on any CPU that runs on its own root. Memory is not zeroed. Null
// means that there is no memory, or that a test asked for a failure (mm/pages/allocation_failure.hpp). The
// caller names the size when it frees an object, as for a sized operator delete, so that no look-up is needed
// to find the class.
//
// A wrong free is reported and counted. Debug builds detect it at once, whatever the address is, and the free
// has no other effect. They also poison freed objects, and report a write to a freed object when it is handed
// out again. Other builds detect a wrong free when the object leaves the CPU's stock. An address that is no
// object, or is free already, goes no further, but the stock may have handed it out until then.
#pragma once

#include "mm/objects/small_objects_stock.hpp"

#include <memory>
#include <utility>

namespace percival::mm {

// Returns an object at a multiple of its class's alignment, which is the size if that is a power of two.
// Null: no memory. `size` is not 0.
inline void* allocate_object(Bytes size)
{
    return size > kLargestSmallObject ? allocate_large(size)
                                      : allocate_from(object_stock(ObjectClass::of(size)));
}

// Frees an object of the `size` that it was allocated with. Ignores null.
inline void free_object(void* object, Bytes size)
{
    if (object == nullptr)
        return;
    if (size > kLargestSmallObject)
        free_large(object, size);
    else
        free_to(object_stock(ObjectClass::of(size)), object);
}

// Puts all objects in this CPU's stock back into their slabs, and frees empty slabs. Any context.
void drain_object_stock();

// The size to ask for so that objects of T are aligned.
template <class T>
inline constexpr Bytes kObjectSize = ObjectClass::of(Bytes{sizeof(T)}, Bytes{alignof(T)}).size();

template <class T, class... Args>
[[nodiscard]] T* create(Args&&... args)
{
    void* memory = allocate_object(kObjectSize<T>);
    return memory == nullptr ? nullptr : new (memory) T(std::forward<Args>(args)...);
}

template <class T>
void destroy(T* object)
{
    if (object == nullptr)
        return;
    object->~T();
    free_object(object, kObjectSize<T>);
}

struct Destroy {
    template <class T>
    void operator()(T* object) const
    {
        destroy(object);
    }
};

template <class T>
using Owned = std::unique_ptr<T, Destroy>;

} // namespace percival::mm
