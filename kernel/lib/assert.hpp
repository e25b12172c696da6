// SPDX-License-Identifier: BSD-2-Clause
// Assertions: a failed one panics. Any context in which panic() is allowed.
#pragma once

#include <source_location>

namespace percival {

// Out of line, so that a check costs only a compare and a branch in the caller.
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, std::source_location where);

} // namespace percival

// Checks the condition in every build.
#define PERCIVAL_ASSERT(condition) \
    (static_cast<bool>(condition)  \
         ? static_cast<void>(0)    \
         : ::percival::assertion_failed(#condition, std::source_location::current()))
