// SPDX-License-Identifier: BSD-2-Clause
// Reads numbers from text. Any context, also on the host and with the MMU off.
#pragma once

#include "kernel/lib/types.hpp"

#include <expected>
#include <string_view>

namespace percival {

enum class NumberError : u8 { NotANumber, Beyond64Bits };

// Returns the value of a digit, or 16 if `c` is no digit.
constexpr u64 digit(char c)
{
    if (c >= '0' && c <= '9')
        return static_cast<u64>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<u64>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return static_cast<u64>(c - 'A') + 10;
    return 16;
}

// Returns the decimal number, or the hexadecimal one after 0x, that all of `digits` is.
constexpr std::expected<u64, NumberError> number_in(std::string_view digits)
{
    const bool is_hex = digits.starts_with("0x") || digits.starts_with("0X");
    if (is_hex)
        digits.remove_prefix(2);
    if (digits.empty())
        return std::unexpected{NumberError::NotANumber};

    const u64 base = is_hex ? 16 : 10;
    u64 number = 0;
    for (char c : digits) {
        if (digit(c) >= base)
            return std::unexpected{NumberError::NotANumber};
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit(c), &number))
            return std::unexpected{NumberError::Beyond64Bits};
    }
    return number;
}

} // namespace percival
