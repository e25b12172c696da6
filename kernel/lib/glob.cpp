// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/glob.hpp"

namespace percival {

// Only the last `*` ever has to be retried: the last `*` can match any text that an earlier one could have
// matched instead.
bool glob_matches(std::string_view pattern, std::string_view text)
{
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t p = 0;
    std::size_t star = kNone;    // the last `*` seen
    std::size_t after_taken = 0; // where in the text matching continues after that `*`
    for (std::size_t t = 0; t < text.size();) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            after_taken = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != kNone) {
            p = star + 1;
            t = ++after_taken;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == kNone;
}

} // namespace percival
