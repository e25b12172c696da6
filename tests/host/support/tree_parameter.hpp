// SPDX-License-Identifier: BSD-2-Clause
// Names of tests that run once for each device tree.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace percival::testing {

// Returns the name of a tree as gtest accepts it, with underscores for hyphens.
inline std::string tree_test_name(const ::testing::TestParamInfo<std::string>& tree)
{
    std::string name = tree.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

} // namespace percival::testing
