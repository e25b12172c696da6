// SPDX-License-Identifier: BSD-2-Clause
#include "mm/objects/object_cache.hpp"

#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/object_cache_checks.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"

#include <utility>

namespace percival::mm {
namespace {

Slab* new_slab(ObjectClass object_class)
{
    const SlabShape shape = kernel_slab_shape(object_class);
    const auto block = allocate_pages(shape.order);
    if (!block)
        return nullptr;
    claim_for_objects(*block, shape.order);
    object_pages_taken.add(shape.order.pages());
    return Slab::format(linear_pointer<void>(*block), shape);
}

} // namespace

Slab* slab_of(const void* object, ObjectClass object_class)
{
    const Bytes size = KernelGeometry::kPageSize * kernel_slab_shape(object_class).order.pages();
    // SAFETY: only the address is computed. Slabs lie at multiples of their size, and a caller that does not
    // know whether `object` is an object checks before it reads the slab (find_object()).
    return reinterpret_cast<Slab*>(address_of(object).align_down(size).raw());
}

Slab* find_object(const void* object, ObjectClass object_class, u32& index)
{
    Slab* slab = slab_of(object, object_class);
    // Check the page descriptor first: only if the address is an object's is there a slab to read.
    if (!is_claimed_for_objects(linear_to_physical(address_of(slab)),
                                kernel_slab_shape(object_class).order) ||
        slab->shape().object != object_class.size())
        return nullptr;
    const auto found = slab->object_at(object);
    if (!found)
        return nullptr;
    index = *found;
    return slab;
}

void ObjectCache::link(Slab& slab)
{
    slab.previous = nullptr;
    slab.next = slabs_;
    if (slabs_ != nullptr)
        slabs_->previous = &slab;
    slabs_ = &slab;
}

void ObjectCache::unlink(Slab& slab)
{
    (slab.previous == nullptr ? slabs_ : slab.previous->next) = slab.next;
    if (slab.next != nullptr)
        slab.next->previous = slab.previous;
}

// Returns a slab with a free object, or null if there is no memory. Uses the empty slab only when no other
// has room.
Slab* ObjectCache::slab_with_room(ObjectClass object_class)
{
    if (slabs_ == nullptr) {
        Slab* slab = std::exchange(empty_, nullptr);
        if (slab == nullptr)
            slab = new_slab(object_class);
        if (slab == nullptr)
            return nullptr;
        link(*slab);
    }
    return slabs_;
}

std::size_t ObjectCache::take(ObjectClass object_class, std::span<void*> objects)
{
    const IrqSpinGuard guard{lock_};
    std::size_t count = 0;
    for (void*& object : objects) {
        Slab* slab = slab_with_room(object_class);
        if (slab == nullptr)
            break;
        object = slab->take();
        ++count;
        if (slab->is_full())
            unlink(*slab);
    }
    return count;
}

// Keeps an empty slab for the next allocation, and frees it if one is kept already.
void ObjectCache::retire(Slab& slab)
{
    if (empty_ == nullptr) {
        empty_ = &slab;
        return;
    }
    const PageOrder order = slab.shape().order;
    const PhysAddr block = linear_to_physical(address_of(&slab));
    object_pages_returned.add(order.pages());
    unclaim_for_objects(block, order);
    free_pages(block, order);
}

void ObjectCache::put_one(ObjectClass object_class, void* object)
{
    u32 index = 0;
    Slab* slab = find_object(object, object_class, index);
    if (slab == nullptr)
        return report_wrong_object(object, object_class, "is no object of this size");
    const bool was_full = slab->is_full();
    if (!slab->put(index))
        return report_wrong_object(object, object_class, "is free already");
    if (was_full)
        link(*slab);
    if (slab->is_empty()) {
        unlink(*slab);
        retire(*slab);
    }
}

void ObjectCache::put(ObjectClass object_class, std::span<void* const> objects)
{
    const IrqSpinGuard guard{lock_};
    for (void* object : objects)
        put_one(object_class, object);
}

void ObjectCache::trim()
{
    const IrqSpinGuard guard{lock_};
    if (Slab* slab = empty_)
        // The slab is still the kept one, so retire() frees it.
        retire(*slab);
    empty_ = nullptr;
}

ObjectCache& object_cache(ObjectClass object_class)
{
    static constinit std::array<ObjectCache, kObjectClasses> caches{};
    return caches[object_class.index()];
}

} // namespace percival::mm
