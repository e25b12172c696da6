// SPDX-License-Identifier: BSD-2-Clause
// Text held in place, for tables that are read with the MMU off: a pointer in static storage would be a
// link-time address. Any context, also on the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <cstddef>
#include <string_view>

namespace percival {

// A text of at most `Room` bytes with its final 0, held in place.
template <std::size_t Room>
class InlineText {
public:
    template <std::size_t Size>
        requires(Size <= Room)
    consteval InlineText(const char (&text)[Size])
        : size_{u8{Size - 1}} // NOLINT(google-explicit-constructor)
    {
        for (std::size_t i = 0; i < Size; ++i)
            text_[i] = text[i];
    }
    constexpr std::string_view text() const { return {text_, size_}; }

private:
    char text_[Room]{};
    u8 size_;
};

} // namespace percival
