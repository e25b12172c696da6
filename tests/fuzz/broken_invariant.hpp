// SPDX-License-Identifier: BSD-2-Clause
// How a fuzzer tells libFuzzer that the tested code is wrong: it names the broken invariant and aborts, and
// libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace percival::testing {

// Aborts unless `holds`. `what` is the invariant.
inline void demand(bool holds, const char* what)
{
    if (holds)
        return;
    static_cast<void>(std::fprintf(stderr, "broken invariant: %s\n", what));
    std::abort();
}

// Aborts if there is a problem. An empty text means that there is none.
template <class Text>
void stop_at(const Text& problem)
{
    demand(problem.empty(), problem.c_str());
}

} // namespace percival::testing
