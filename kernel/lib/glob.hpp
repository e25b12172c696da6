// SPDX-License-Identifier: BSD-2-Clause
// Patterns as in a shell: `*` matches any text, `?` any one character, every other character itself. Any
// context, also on the host.
#pragma once

#include <string_view>

namespace percival {

// Returns whether the pattern matches the whole of `text`. Takes at most pattern length times text length
// steps.
bool glob_matches(std::string_view pattern, std::string_view text);

} // namespace percival
