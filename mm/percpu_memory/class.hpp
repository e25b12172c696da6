// SPDX-License-Identifier: BSD-2-Clause
// The sizes of percpu memory that CPUs keep in stock: the powers of two from a grain to 4 KiB, each at a multiple
// of itself. All others come straight from the chunks. Constant-folded where the size is a constant.
#pragma once

#include "mm/percpu/request.hpp"

#include <optional>

namespace percival::percpu {

class Class {
public:
    static constexpr u32 kCount = 11;

    // From 1 on.
    constexpr explicit Class(u32 number) : number_{number} {}
    // Nothing for a size that is not kept.
    static constexpr std::optional<Class> of(Request request)
    {
        const u32 number = static_cast<u32>(std::bit_width(request.grains()));
        const bool is_kept = std::has_single_bit(request.grains()) && number <= kCount &&
                             request.alignment() <= request.grains();
        return is_kept ? std::optional{Class{number}} : std::nullopt;
    }

    constexpr u32 number() const { return number_; }
    constexpr Bytes size() const { return kGrain * (u64{1} << (number_ - 1)); }
    constexpr Request request() const { return *Request::of(size(), size(), 4_KiB); }

private:
    u32 number_;
};

static_assert(Class{Class::kCount}.size() == 4_KiB);
static_assert(Class::of(*Request::of(Bytes{8}, Bytes{8}, 4_KiB))->size() == Bytes{8});
static_assert(!Class::of(*Request::of(Bytes{12}, Bytes{4}, 4_KiB)));
static_assert(!Class::of(*Request::of(Bytes{8}, Bytes{16}, 4_KiB)));

} // namespace percival::percpu
