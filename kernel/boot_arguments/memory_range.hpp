// SPDX-License-Identifier: BSD-2-Clause
// Reads a range of physical addresses from a boot argument, such as 256M@0x50000000. Any context, also on
// the host.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/number.hpp"

#include <expected>
#include <string_view>

namespace percival {

namespace memory_range_detail {

// Returns by how many bits the unit that ends a size shifts it; 0 if there is no unit.
constexpr unsigned shift_of_unit(char unit)
{
    switch (unit) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    default:
        return 0;
    }
}

} // namespace memory_range_detail

// Returns the range that `text` names: SIZE@ADDRESS, both decimal, or hexadecimal after 0x. The size may end
// with K, M, G or T. An error is what to say about the text. The result ends at or below kPhysicalLimit.
constexpr std::expected<PhysRange, std::string_view> memory_range_in(std::string_view text)
{
    const std::size_t at = text.find('@');
    if (at == std::string_view::npos)
        return std::unexpected{"is not SIZE@ADDRESS"};
    std::string_view digits = text;
    digits.remove_suffix(text.size() - at);
    text.remove_prefix(at + 1);
    const unsigned shift = digits.empty() ? 0 : memory_range_detail::shift_of_unit(digits.back());
    if (shift != 0)
        digits.remove_suffix(1);
    const auto size = number_in(digits);
    const auto base = number_in(text);
    if (!size || !base)
        return std::unexpected{"is not SIZE@ADDRESS"};
    const u64 limit = kPhysicalLimit.raw();
    if (*size > limit >> shift || *base > limit || *size << shift > limit - *base)
        return std::unexpected{"ends beyond all physical addresses"};
    return PhysRange{PhysAddr{*base}, Bytes{*size << shift}};
}

} // namespace percival
