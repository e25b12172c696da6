// SPDX-License-Identifier: BSD-2-Clause
// Memory for the kernel's objects, by size. Up to half a page from the CPU's own stock of objects of the size
// class (mm/objects/object_cache_sizes.hpp), backed by slabs; above that whole blocks of pages.
//
//      Thread* thread = create<Thread>(arguments);     // null: no memory
//      destroy(thread);
//      Owned<Thread> owned{create<Thread>(arguments)}; // destroyed with its owner
//
// Any context, interrupt handlers included, on any CPU that runs on its own root. Memory is not zeroed. Null
// means: no memory, or that failure was asked for (mm/pages/allocation_failure.hpp). The size is given back with
// the object, as to a sized operator delete: an object needs no look-up to find its class.
//
// A wrong free is reported and counted. In debug builds that happens at once, whatever it is of, and the free
// has no other effect; freed objects are poisoned there, and a write to one is reported when it is handed out
// again. In other builds it is found out when the object leaves the CPU's stock: what is no object, or is
// free already, goes no further, but may have been handed out from the stock until then.
#pragma once

#include "mm/objects/small_objects_stock.hpp"

#include <memory>
#include <utility>

namespace percival::mm {

// At a multiple of the class's alignment: of the size, where that is a power of two. `size` is not 0.
inline void* allocate_object(Bytes size)
{
    return size > kLargestSmallObject ? allocate_large(size)
                                      : allocate_from(object_stock(ObjectClass::of(size)));
}

// `size` as it was allocated. Null is no object, and ignored.
inline void free_object(void* object, Bytes size)
{
    if (object == nullptr)
        return;
    if (size > kLargestSmallObject)
        free_large(object, size);
    else
        free_to(object_stock(ObjectClass::of(size)), object);
}

// Gives what is in this CPU's stock back to the slabs, and empty slabs to the page allocator. Any context.
void drain_object_stock();

// The size to ask for to get objects of T aligned.
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
