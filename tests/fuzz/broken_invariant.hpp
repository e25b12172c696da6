// SPDX-License-Identifier: BSD-2-Clause
// How the fuzzers report what they find: as a crash, which libFuzzer keeps the input of.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace percival::testing {

// Crashes with `problem` as the reason, unless it is empty.
inline void stop_at(std::string_view problem)
{
    if (problem.empty())
        return;
    static_cast<void>(
        std::fprintf(stderr, "broken invariant: %.*s\n", static_cast<int>(problem.size()), problem.data()));
    std::abort();
}

// Crashes with `what` as the reason, unless it holds.
inline void demand(bool holds, std::string_view what)
{
    if (!holds)
        stop_at(what);
}

} // namespace percival::testing
