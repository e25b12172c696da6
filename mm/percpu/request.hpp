// SPDX-License-Identifier: BSD-2-Clause
// Size and alignment of an allocation of percpu memory. Request::of() checks them once, so every Request is
// valid. The compiler folds the check where both are constants. Any context; runs on the host too.
//
// Percpu memory is allocated in grains of 4 bytes, the size of the smallest useful counter.
#pragma once

#include "kernel/lib/address.hpp"

#include <algorithm>
#include <bit>
#include <expected>

namespace percival::percpu {

inline constexpr Bytes kGrain{4};
// The largest allocation. Each byte is multiplied by the number of CPUs, so a larger request is taken for a
// mistake.
inline constexpr Bytes kMaxSize = 32_KiB;

enum class RequestError : u8 {
    Empty,
    TooLarge,
    BadAlignment, // not a power of two, or larger than a page
};

// A size and an alignment in grains. Both are at least one grain.
class Request {
public:
    // Returns the request for `size` bytes at a multiple of `alignment` bytes, for pages of `page` bytes.
    // Rounds the size up to whole grains, and an alignment below a grain up to one grain.
    static constexpr std::expected<Request, RequestError> of(Bytes size, Bytes alignment, Bytes page)
    {
        if (size == Bytes{0})
            return std::unexpected{RequestError::Empty};
        if (size > kMaxSize)
            return std::unexpected{RequestError::TooLarge};
        if (!std::has_single_bit(alignment.count()) || alignment > page)
            return std::unexpected{RequestError::BadAlignment};
        return Request{grains_of(size), grains_of(alignment)};
    }

    constexpr u32 grains() const { return grains_; }
    constexpr u32 alignment() const { return alignment_; }
    constexpr Bytes size() const { return kGrain * grains_; }

    // Returns the first aligned grain at or after `grain`.
    constexpr u32 align_up(u32 grain) const { return (grain + alignment_ - 1) & ~(alignment_ - 1); }

private:
    static constexpr u32 grains_of(Bytes size)
    {
        return static_cast<u32>((size.count() + kGrain.count() - 1) / kGrain.count());
    }
    constexpr Request(u32 grains, u32 alignment) : grains_{grains}, alignment_{alignment} {}

    u32 grains_;
    u32 alignment_;
};

static_assert(Request::of(Bytes{5}, Bytes{1}, 4_KiB)->size() == Bytes{8});
static_assert(Request::of(Bytes{5}, Bytes{1}, 4_KiB)->alignment() == 1);
static_assert(Request::of(kMaxSize, 64_KiB, 64_KiB).has_value());
static_assert(Request::of(Bytes{0}, Bytes{4}, 4_KiB).error() == RequestError::Empty);
static_assert(Request::of(kMaxSize + Bytes{1}, Bytes{4}, 4_KiB).error() == RequestError::TooLarge);
static_assert(Request::of(Bytes{4}, Bytes{0}, 4_KiB).error() == RequestError::BadAlignment);
static_assert(Request::of(Bytes{4}, Bytes{24}, 4_KiB).error() == RequestError::BadAlignment);
static_assert(Request::of(Bytes{4}, 8_KiB, 4_KiB).error() == RequestError::BadAlignment);

} // namespace percival::percpu
