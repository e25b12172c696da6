// SPDX-License-Identifier: BSD-2-Clause
// Cutting text. Any context, on the host too.
#pragma once

#include <cstddef>
#include <string_view>

namespace percival {

// The `count` characters from `from` on, as far as there are any. Unlike std::string_view::substr() it has no
// error to throw, which a kernel cannot link.
constexpr std::string_view slice(std::string_view text, std::size_t from,
                                 std::size_t count = std::string_view::npos)
{
    text.remove_prefix(from < text.size() ? from : text.size());
    text.remove_suffix(count < text.size() ? text.size() - count : 0);
    return text;
}

} // namespace percival
