// SPDX-License-Identifier: BSD-2-Clause
// Names for tests that run once for each tree.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace percival::testing {

inline std::string tree_test_name(const ::testing::TestParamInfo<std::string>& tree)
{
    std::string name = tree.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

} // namespace percival::testing
