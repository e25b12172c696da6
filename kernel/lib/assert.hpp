// SPDX-License-Identifier: BSD-2-Clause
// Assumptions that are checked instead of told. A failed one is a panic. Any context panic() is allowed in.
#pragma once

#include <source_location>

namespace percival {

// Out of line, so that a check costs a compare and a branch where it stands.
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, std::source_location where);

} // namespace percival

#define PERCIVAL_ASSERT(condition) \
    (static_cast<bool>(condition)  \
         ? static_cast<void>(0)    \
         : ::percival::assertion_failed(#condition, std::source_location::current()))
