// SPDX-License-Identifier: BSD-2-Clause
// The size of a block of pages: order n is 2^n pages, at a multiple of its size. Any context, on the host
// too.
#pragma once

#include "kernel/lib/address.hpp"

#include <bit>

namespace percival::mm {

class PageOrder {
public:
    constexpr PageOrder() = default;
    constexpr explicit PageOrder(unsigned order) : order_{static_cast<u8>(order)} {}
    constexpr unsigned number() const { return order_; }
    constexpr u32 pages() const { return u32{1} << order_; }
    constexpr PageOrder up() const { return PageOrder{order_ + 1u}; }
    constexpr PageOrder down() const { return PageOrder{order_ - 1u}; }
    friend constexpr auto operator<=>(PageOrder, PageOrder) = default;

private:
    u8 order_{0};
};

inline constexpr PageOrder kOnePage{0};

// The largest block of the page allocator: 4 MiB, 16 MiB and 64 MiB for the three granules.
inline constexpr PageOrder kMaxPageOrder{10};

// Returns the smallest order that holds `size`, for pages of `page` bytes. The result is greater than
// kMaxPageOrder if no block holds `size`.
constexpr PageOrder order_for(Bytes size, Bytes page)
{
    const u64 pages = size.count() / page.count() + (size.count() % page.count() != 0 ? 1 : 0);
    return PageOrder{pages <= 1 ? 0u : static_cast<unsigned>(std::bit_width(pages - 1))};
}

static_assert(order_for(Bytes{1}, 4_KiB) == kOnePage && order_for(4_KiB, 4_KiB) == kOnePage);
static_assert(order_for(Bytes{4097}, 4_KiB) == PageOrder{1} && order_for(4_MiB, 4_KiB) == kMaxPageOrder);

} // namespace percival::mm
