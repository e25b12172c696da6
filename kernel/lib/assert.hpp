// SPDX-License-Identifier: BSD-2-Clause
// Assumptions that are checked instead of told. A failed one is a panic. Any context panic() is allowed in.
#pragma once

#include <source_location>

namespace percival {

// Out of line, so that a check costs a compare and a branch where it stands.
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, std::source_location where);

} // namespace percival

// Always checked.
#define PERCIVAL_ASSERT(condition) \
    (static_cast<bool>(condition)  \
         ? static_cast<void>(0)    \
         : ::percival::assertion_failed(#condition, std::source_location::current()))

// Checked in debug builds only, for places where the check would cost more than the work. Always compiled.
#ifdef PERCIVAL_DEBUG
#define PERCIVAL_DEBUG_ASSERT(condition) PERCIVAL_ASSERT(condition)
#else
#define PERCIVAL_DEBUG_ASSERT(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#endif
