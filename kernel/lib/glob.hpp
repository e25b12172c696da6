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

// Calls `visit(std::string_view)` for each pattern of a comma-separated list. An empty list contains one
// empty pattern.
template <class Visit>
void for_each_glob(std::string_view list, Visit visit)
{
    for (;;) {
        const std::size_t comma = list.find(',');
        visit(slice(list, 0, comma));
        if (comma == std::string_view::npos)
            return;
        list.remove_prefix(comma + 1);
    }
}

} // namespace percival
