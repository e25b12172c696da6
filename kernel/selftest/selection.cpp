// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/selftest/selection.hpp"

#include "kernel/lib/format.hpp"
#include "kernel/lib/glob.hpp"

#include <algorithm>

namespace percival {
namespace {

bool comes_before(const Selftest* left, const Selftest* right)
{
    const std::string_view left_suite{left->suite};
    const std::string_view right_suite{right->suite};
    if (left_suite != right_suite)
        return left_suite < right_suite;
    return std::string_view{left->name} < std::string_view{right->name};
}

} // namespace

bool glob_selects(std::string_view glob, const Selftest& test, ManualTests manual)
{
    std::array<char, 128> room; // PERCIVAL_TEST checks that names fit
    Writer full_name{room};
    format(full_name, "{}.{}", test.suite, test.name);
    if (test.manual && manual == ManualTests::ByFullName)
        return glob == full_name.text();
    return glob_matches(glob, full_name.text());
}

bool select_tests(std::span<const Selftest* const> all, std::string_view globs, ManualTests manual,
                  SelftestList& selected)
{
    selected.clear();
    bool all_fit = true;
    for (const Selftest* test : all) {
        const auto selects = [&](std::string_view glob) { return glob_selects(glob, *test, manual); };
        if (any_glob(globs, selects) && !selected.push(test))
            all_fit = false;
    }
    std::sort(selected.begin(), selected.end(), comes_before);
    return all_fit;
}

} // namespace percival
