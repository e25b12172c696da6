// SPDX-License-Identifier: BSD-2-Clause
// A slab: a block of pages cut into objects of one size. A bitmap in the header at its start says which
// objects are free. There is no list through the free objects: a write to a freed object damages nothing
// here, and a second free is detected.
//
// The caller serializes calls (the size class's lock), except mark_live() and mark_dead(), which several CPUs
// may call for different objects at once. Any context, on the host too.
//
// Invariants:
// * A slab lies at a multiple of its size, so an object's address and class determine its slab.
// * free_count_ is the number of bits set in the map of free objects.
#pragma once

#include "mm/objects/object_cache_sizes.hpp"
#include "mm/physical/page_poison.hpp"

#include <atomic>
#include <new>

namespace percival::mm {

class Slab {
public:
    // Maps of free objects and, in debug builds, of allocated objects. An object in neither is in a CPU's
    // stock.
    static constexpr u32 kMaps = kPoisonFreedMemory ? 2 : 1;

    // Makes a slab in `memory`, a block of the shape's order. All its objects are free.
    static Slab* format(void* memory, const SlabShape& shape)
    {
        Slab* slab = new (memory) Slab{shape};
        for (u32 object = 0; object < shape.capacity; ++object)
            slab->map(0)[object / 64] |= bit(object);
        if constexpr (kPoisonFreedMemory)
            poison(slab->address_of_object(0), shape.object * shape.capacity);
        return slab;
    }

    // Takes a free object out. The slab must have one.
    void* take()
    {
        u64* free = map(0);
        while (free[hint_] == 0)
            hint_ = hint_ + 1 == shape_.words ? 0 : hint_ + 1;
        const auto object = hint_ * 64 + static_cast<u32>(std::countr_zero(free[hint_]));
        free[hint_] &= free[hint_] - 1;
        --free_count_;
        return address_of_object(object);
    }

    // Returns the number of the object at an address in the slab; nothing if no object begins there.
    std::optional<u32> object_at(const void* address) const
    {
        // SAFETY: only the distance of the two addresses is computed.
        const u64 offset = reinterpret_cast<u64>(address) - reinterpret_cast<u64>(this);
        const u64 into = offset - shape_.first_object.count();
        if (offset < shape_.first_object.count() || into % shape_.object.count() != 0 ||
            into / shape_.object.count() >= shape_.capacity)
            return std::nullopt;
        return static_cast<u32>(into / shape_.object.count());
    }

    // Puts an object back. Returns false, and changes nothing, if it was free already.
    [[nodiscard]] bool put(u32 object)
    {
        u64& word = map(0)[object / 64];
        if ((word & bit(object)) != 0)
            return false;
        word |= bit(object);
        ++free_count_;
        return true;
    }

    // Debug builds: mark that a caller gets the object, and that the caller frees it. mark_dead()
    // returns false if no caller had it.
    void mark_live(u32 object) { live_word(object).fetch_or(bit(object), std::memory_order_relaxed); }
    [[nodiscard]] bool mark_dead(u32 object)
    {
        const u64 old = live_word(object).fetch_and(~bit(object), std::memory_order_relaxed);
        return (old & bit(object)) != 0;
    }

    const SlabShape& shape() const { return shape_; }
    bool is_full() const { return free_count_ == 0; }
    bool is_empty() const { return free_count_ == shape_.capacity; }

    // Links in the size class's list of slabs that are not full.
    Slab* previous{nullptr};
    Slab* next{nullptr};

private:
    explicit Slab(const SlabShape& shape) : shape_{shape}, free_count_{shape.capacity}
    {
        for (u32 word = 0; word < kMaps * shape.words; ++word)
            map(0)[word] = 0;
    }
    static constexpr u64 bit(u32 object) { return u64{1} << object % 64; }
    // SAFETY: the bitmaps follow the header directly, in the block that format() got, and sizeof(Slab) keeps
    // them aligned.
    u64* map(u32 which) { return reinterpret_cast<u64*>(this + 1) + which * shape_.words; }
    std::atomic_ref<u64> live_word(u32 object) { return std::atomic_ref{map(1)[object / 64]}; }
    void* address_of_object(u32 object)
    {
        // SAFETY: slab_shape() places all objects within the block that format() got.
        return reinterpret_cast<char*>(this) + (shape_.first_object + shape_.object * object).count();
    }

    SlabShape shape_;
    u32 free_count_;
    u32 hint_{0};
};

static_assert(sizeof(Slab) % sizeof(u64) == 0);

} // namespace percival::mm
