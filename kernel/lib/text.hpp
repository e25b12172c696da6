// SPDX-License-Identifier: BSD-2-Clause
// Cuts text. Any context, also on the host.
#pragma once

#include <cstddef>
#include <string_view>

namespace percival {

// Returns up to `count` characters from index `from`. Unlike std::string_view::substr() it never throws; the
// kernel cannot link exceptions.
constexpr std::string_view slice(std::string_view text, std::size_t from,
                                 std::size_t count = std::string_view::npos)
{
    text.remove_prefix(from < text.size() ? from : text.size());
    text.remove_suffix(count < text.size() ? text.size() - count : 0);
    return text;
}

} // namespace percival
