// SPDX-License-Identifier: BSD-2-Clause
// Selects which self-tests run, and in which order. Pure functions: any context, also on the host.
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "kernel/selftest/runner.hpp"

#include <span>

namespace percival {

inline constexpr std::size_t kMaxSelftests = 512;
using SelftestList = BoundedVector<const Selftest*, kMaxSelftests>;

enum class ManualTests : u8 {
    ByFullName, // a manual test is selected only by its full name
    AsOthers,   // a manual test is selected like any other
};

// Returns whether the pattern `glob` selects the test.
bool glob_selects(std::string_view glob, const Selftest& test, ManualTests manual);

// Puts the tests that any of `globs` selects into `selected`, sorted by suite and then by name. Returns false
// if more tests are selected than fit.
[[nodiscard]] bool select_tests(std::span<const Selftest* const> all, std::string_view globs,
                                ManualTests manual, SelftestList& selected);

} // namespace percival
