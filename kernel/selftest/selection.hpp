// SPDX-License-Identifier: BSD-2-Clause
// Which self-tests run, and in which order. Pure: on the host too.
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "kernel/selftest/runner.hpp"

#include <span>

namespace percival {

inline constexpr std::size_t kMaxSelftests = 512;
using SelftestList = BoundedVector<const Selftest*, kMaxSelftests>;

enum class ManualTests : u8 {
    ByFullName, // a manual test is selected by its full name alone
    AsOthers,
};

// Whether one pattern selects the test.
bool glob_selects(std::string_view glob, const Selftest& test, ManualTests manual);

// Puts the tests selected by any of `globs` into `selected`, by suite and in it by name. False: there are
// more than fit.
[[nodiscard]] bool select_tests(std::span<const Selftest* const> all, std::string_view globs,
                                ManualTests manual, SelftestList& selected);

} // namespace percival
