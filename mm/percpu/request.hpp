// SPDX-License-Identifier: BSD-2-Clause
// What an allocation of percpu memory asks for, checked once: whoever has a PercpuRequest need not doubt it.
// Constant-folded where size and alignment are constants. Any context, on the host too.
//
// Percpu memory is handed out in grains of 4 bytes: the smallest thing worth a counter.
#pragma once

#include "kernel/lib/address.hpp"

#include <algorithm>
#include <bit>
#include <expected>

namespace percival::mm {

inline constexpr Bytes kPercpuGrain{4};
// It is multiplied by the number of CPUs: more than this is a mistake.
inline constexpr Bytes kMaxPercpuSize = 32_KiB;

enum class PercpuRequestError : u8 {
    Empty,
    TooLarge,
    BadAlignment, // no power of two, or more than a page
};

// Size and alignment in grains. Both are at least one grain.
class PercpuRequest {
public:
    // Sizes are rounded up to whole grains, alignments up to one grain.
    static constexpr std::expected<PercpuRequest, PercpuRequestError> of(Bytes size, Bytes alignment,
                                                                         Bytes page)
    {
        if (size == Bytes{0})
            return std::unexpected{PercpuRequestError::Empty};
        if (size > kMaxPercpuSize)
            return std::unexpected{PercpuRequestError::TooLarge};
        if (!std::has_single_bit(alignment.count()) || alignment > page)
            return std::unexpected{PercpuRequestError::BadAlignment};
        return PercpuRequest{grains_of(size), grains_of(alignment)};
    }

    constexpr u32 grains() const { return grains_; }
    constexpr u32 alignment() const { return alignment_; }
    constexpr Bytes size() const { return kPercpuGrain * grains_; }

    // The first place at or after `grain` that is aligned.
    constexpr u32 align_up(u32 grain) const { return (grain + alignment_ - 1) & ~(alignment_ - 1); }

private:
    static constexpr u32 grains_of(Bytes size)
    {
        return static_cast<u32>((size.count() + kPercpuGrain.count() - 1) / kPercpuGrain.count());
    }
    constexpr PercpuRequest(u32 grains, u32 alignment) : grains_{grains}, alignment_{alignment} {}

    u32 grains_;
    u32 alignment_;
};

static_assert(PercpuRequest::of(Bytes{5}, Bytes{1}, 4_KiB)->size() == Bytes{8});
static_assert(PercpuRequest::of(Bytes{5}, Bytes{1}, 4_KiB)->alignment() == 1);
static_assert(PercpuRequest::of(kMaxPercpuSize, 64_KiB, 64_KiB).has_value());
static_assert(PercpuRequest::of(Bytes{0}, Bytes{4}, 4_KiB).error() == PercpuRequestError::Empty);
static_assert(PercpuRequest::of(kMaxPercpuSize + Bytes{1}, Bytes{4}, 4_KiB).error() ==
              PercpuRequestError::TooLarge);
static_assert(PercpuRequest::of(Bytes{4}, Bytes{0}, 4_KiB).error() == PercpuRequestError::BadAlignment);
static_assert(PercpuRequest::of(Bytes{4}, Bytes{24}, 4_KiB).error() == PercpuRequestError::BadAlignment);
static_assert(PercpuRequest::of(Bytes{4}, 8_KiB, 4_KiB).error() == PercpuRequestError::BadAlignment);

} // namespace percival::mm
