// SPDX-License-Identifier: BSD-2-Clause
// Compares and prints the values that a self-test expects to be equal. Any context, also on the host.
#pragma once

#include "kernel/lib/format.hpp"

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

namespace percival::selftest_detail {

template <class T>
concept Number = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

template <class T>
void put_value(Writer& out, const T& value)
{
    if constexpr (Number<T>) {
        format(out, "{} ({:x})", value, static_cast<std::make_unsigned_t<T>>(value));
    } else if constexpr (std::is_enum_v<T>) {
        put_value(out, static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
        format(out, "\"{}\"", std::string_view{value});
    } else if constexpr (std::is_pointer_v<T>) {
        // SAFETY: the pointer is only printed.
        format(out, "{}", VirtAddr{reinterpret_cast<u64>(value)});
    } else if constexpr (std::is_null_pointer_v<T>) {
        out.put("nullptr");
    } else if constexpr (requires { format_detail::argument(value); }) {
        format(out, "{}", value);
    } else {
        out.put("a value that cannot be printed");
    }
}

template <class L, class R>
bool equal(const L& left, const R& right)
{
    if constexpr (Number<L> && Number<R>)
        return std::cmp_equal(left, right);
    else
        return left == right;
}

} // namespace percival::selftest_detail
