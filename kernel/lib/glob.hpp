// SPDX-License-Identifier: BSD-2-Clause
// Patterns as in a shell: `*` is any text, `?` any one character, all else itself. Any context, on the host
// too.
#pragma once

#include "kernel/lib/text.hpp"

#include <string_view>

namespace percival {

// Whether the whole of `text` matches. At most pattern times text steps, whatever the pattern.
bool glob_matches(std::string_view pattern, std::string_view text);

// Calls `visit(std::string_view)` for each pattern of a list separated by commas. An empty list has one,
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
