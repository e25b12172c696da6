// SPDX-License-Identifier: BSD-2-Clause
// Decides how the console shows a character. Text from outside (the device tree, boot arguments) may hold
// control characters: a line feed in it would forge a line of the kernel, such as a verdict.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <string_view>

namespace percival {

constexpr bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

// Returns the character as a report of damage shows it, where each takes one place.
constexpr char printable_or_mark(char c)
{
    return is_printable(c) ? c : '?';
}

// A character as the console shows it: printable ASCII as it is, anything else as `\xNN`.
class Printable {
public:
    constexpr explicit Printable(char c) : size_{u8{1}}
    {
        if (is_printable(c)) {
            text_[0] = c;
            return;
        }
        constexpr std::string_view kDigits{"0123456789abcdef"};
        const u8 value = static_cast<u8>(c);
        text_ = {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
        size_ = 4;
    }
    constexpr std::size_t size() const { return size_; }
    constexpr std::string_view text() const& { return {text_.data(), size_}; }
    std::string_view text() const&& = delete; // would point into an object that is gone

private:
    std::array<char, 4> text_{};
    u8 size_;
};

} // namespace percival
