// SPDX-License-Identifier: BSD-2-Clause
// The size classes of percpu memory, of which each CPU keeps a stock: the powers of two from a grain to 4
// KiB, each aligned to its size. Memory of any other size comes straight from the chunks. The compiler folds
// Class::of() where the size is a constant.
#pragma once

#include "mm/percpu/request.hpp"

#include <optional>

namespace percival::percpu {

class Class {
public:
    static constexpr u32 kCount = 11;

    // Classes are numbered from 1 to kCount.
    constexpr explicit Class(u32 number) : number_{number} {}
    // Returns the class of a request. Returns nothing if no class has its size, or if its alignment is larger
    // than its size.
    static constexpr std::optional<Class> of(Request request)
    {
        const u32 number = static_cast<u32>(std::bit_width(request.grains()));
        const bool is_stocked = std::has_single_bit(request.grains()) && number <= kCount &&
                                request.alignment() <= request.grains();
        return is_stocked ? std::optional{Class{number}} : std::nullopt;
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
