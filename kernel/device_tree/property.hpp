// SPDX-License-Identifier: BSD-2-Clause
// The value of a property of a device tree. Nothing here reads beyond the property's own length. Only for the
// files of kernel/device_tree and boot/flat_tree. Boot only; host tests use it too.
#pragma once

#include "kernel/lib/text.hpp"
#include "kernel/lib/types.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace percival {

class DeviceTreeProperty {
public:
    static constexpr std::size_t kCellBytes = 4;

    constexpr explicit DeviceTreeProperty(std::span<const std::byte> value) : value_{value} {}

    constexpr std::span<const std::byte> bytes() const { return value_; }
    constexpr std::size_t size() const { return value_.size(); }
    constexpr bool is_whole_cells() const { return value_.size() % kCellBytes == 0; }
    constexpr std::size_t cells() const { return value_.size() / kCellBytes; }

    // Returns the big-endian number in `count` cells from cell `first`, or 0 if `count` is 0. Requires count
    // <= 2 and first + count <= cells().
    u64 number(std::size_t first, std::size_t count) const;
    // Returns the whole property as a number of one or two cells; nothing if it has another length.
    std::optional<u64> number() const;
    // Returns the text up to the first NUL; nothing if there is no NUL.
    std::optional<std::string_view> text() const;
    // Returns the index of `wanted` in this list of strings; nothing if it is not in the list.
    std::optional<std::size_t> place_of(std::string_view wanted) const;
    // Calls visit(std::string_view) for each string of this list. What follows the last NUL is none.
    template <class Visit>
    void for_each_text(Visit visit) const
    {
        for (auto rest = *this; const auto first = rest.text();) {
            visit(*first);
            rest = DeviceTreeProperty{rest.bytes().subspan(first->size() + 1)};
        }
    }

private:
    std::span<const std::byte> value_;
};

namespace device_tree_property_detail {

inline std::string_view as_text(std::span<const std::byte> bytes)
{
    // SAFETY: any object may be read as char, and the view keeps the span's length.
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace device_tree_property_detail

inline u64 DeviceTreeProperty::number(std::size_t first, std::size_t count) const
{
    u64 value = 0;
    for (std::byte b : value_.subspan(first * kCellBytes, count * kCellBytes))
        value = value << 8 | std::to_integer<u64>(b);
    return value;
}

inline std::optional<u64> DeviceTreeProperty::number() const
{
    if (!is_whole_cells() || cells() < 1 || cells() > 2)
        return std::nullopt;
    return number(0, cells());
}

inline std::optional<std::string_view> DeviceTreeProperty::text() const
{
    const std::string_view all = device_tree_property_detail::as_text(value_);
    const std::size_t end = all.find('\0');
    if (end == std::string_view::npos)
        return std::nullopt;
    return slice(all, 0, end);
}

inline std::optional<std::size_t> DeviceTreeProperty::place_of(std::string_view wanted) const
{
    std::string_view rest = device_tree_property_detail::as_text(value_);
    for (std::size_t place = 0;; ++place) {
        const std::size_t end = rest.find('\0');
        if (end == std::string_view::npos)
            return std::nullopt;
        if (slice(rest, 0, end) == wanted)
            return place;
        rest.remove_prefix(end + 1);
    }
}

} // namespace percival
