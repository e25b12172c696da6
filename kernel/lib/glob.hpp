// SPDX-License-Identifier: BSD-2-Clause
// Patterns as in a shell: `*` matches any text, `?` any one character, every other character itself. Any
// context, also on the host.
#pragma once

#include "kernel/lib/text.hpp"

#include <string_view>

namespace percival {

// Returns whether the pattern matches the whole of `text`. Takes at most pattern length times text length
// steps.
bool glob_matches(std::string_view pattern, std::string_view text);

// Returns whether `matches(glob)` holds for one of a comma-separated list of patterns.
template <class Matches>
constexpr bool any_glob(std::string_view globs, Matches matches)
{
    for (const std::string_view glob : ListItems{globs}) {
        if (matches(glob))
            return true;
    }
    return false;
}

} // namespace percival
