// SPDX-License-Identifier: BSD-2-Clause
// The sizes of small objects: 8, and from 16 on the powers of two with one step between every two of them, up
// to half a page: 8 16 24 32 48 64 96 128 ... At most a third of an object's memory is unused.
//
// An object is aligned to the largest power of two that divides the size of its class.
#pragma once

#include "mm/physical/page_order.hpp"

#include <array>

namespace percival::mm {

// The number of a size class. Calls with a constant size are folded at compile time.
class ObjectClass {
public:
    constexpr explicit ObjectClass(u32 index) : index_{index} {}
    // Returns the smallest class whose objects have room for `size`, which is not 0.
    static constexpr ObjectClass of(Bytes size)
    {
        const u64 last = size.count() - 1;
        if (last < 8)
            return ObjectClass{0};
        if (last < 16)
            return ObjectClass{1};
        // `size` is in (2^(width-1), 2^width]. Find out whether it is in the lower or the upper half.
        const auto width = static_cast<u32>(std::bit_width(last));
        const auto upper_half = static_cast<u32>(last >> (width - 2)) & 1;
        return ObjectClass{2 * (width - 4) + upper_half};
    }
    // Does the same for objects at a multiple of `alignment`, a power of two.
    static constexpr ObjectClass of(Bytes size, Bytes alignment)
    {
        const ObjectClass plain = of(std::max(size, alignment));
        return plain.alignment() < alignment ? of(Bytes{std::bit_ceil(size.count())}) : plain;
    }

    constexpr u32 index() const { return index_; }
    constexpr Bytes size() const
    {
        if (index_ < 2)
            return Bytes{8u << index_};
        const u64 power = u64{1} << (index_ / 2 + 3);
        return Bytes{index_ % 2 == 0 ? power + power / 2 : 2 * power};
    }
    constexpr Bytes alignment() const { return Bytes{size().count() & -size().count()}; }
    friend constexpr auto operator<=>(ObjectClass, ObjectClass) = default;

private:
    u32 index_;
};

// The layout of a slab of a class: a header, `maps` bitmaps of `words` words each, and the objects. The
// objects end where the slab ends, so that they are aligned as the slab is.
struct SlabShape {
    Bytes object;
    PageOrder order;
    u32 capacity;
    u32 words;
    Bytes first_object;
};

// Chooses the order of a slab so that the header costs at most an eighth of it.
constexpr SlabShape slab_shape(ObjectClass object_class, Bytes page, Bytes header, u32 maps)
{
    constexpr u32 kEnough = 7;
    const u64 object = object_class.size().count();
    for (PageOrder order = kOnePage;; order = order.up()) {
        const u64 slab = page.count() << order.number();
        u64 capacity = (slab - header.count()) / object;
        const auto words = [&] { return (capacity + 63) / 64; };
        while (header.count() + words() * maps * 8 + capacity * object > slab)
            --capacity;
        if (capacity >= kEnough)
            return {object_class.size(), order, static_cast<u32>(capacity), static_cast<u32>(words()),
                    Bytes{slab - capacity * object}};
    }
}

static_assert(ObjectClass::of(Bytes{1}).size() == Bytes{8} && ObjectClass::of(Bytes{8}).size() == Bytes{8});
static_assert(ObjectClass::of(Bytes{9}).size() == Bytes{16} &&
              ObjectClass::of(Bytes{17}).size() == Bytes{24});
static_assert(ObjectClass::of(Bytes{24}).size() == Bytes{24} &&
              ObjectClass::of(Bytes{25}).size() == Bytes{32});
static_assert(ObjectClass::of(Bytes{64}).size() == Bytes{64} &&
              ObjectClass::of(Bytes{65}).size() == Bytes{96});
static_assert(ObjectClass::of(Bytes{40}, Bytes{32}).size() == Bytes{64});
static_assert(ObjectClass::of(2_KiB).index() == 15);

} // namespace percival::mm
