// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace percival {
namespace {

std::string describe(const DeviceTreeError& error)
{
    std::array<char, 256> room;
    Writer out{room};
    error.describe(out);
    return std::string{out.text()};
}

TEST(DeviceTreeErrorText, names_path_property_problem_and_value)
{
    EXPECT_EQ(describe({"/a", "reg", "is wrong", 0x1f}), "device tree: /a: reg: is wrong (0x1f)");
    EXPECT_EQ(describe({"/a", "reg", "is wrong"}), "device tree: /a: reg: is wrong");
    EXPECT_EQ(describe({"/a", "", "is wrong"}), "device tree: /a: is wrong");
}

TEST(DeviceTreeErrorText, a_long_path_keeps_its_end)
{
    const std::string path = "/" + std::string(200, 'x') + "/end";
    const DeviceTreeError error{path, "", "is wrong"};
    EXPECT_EQ(error.path().size(), DeviceTreeError::kPathLength);
    EXPECT_TRUE(error.path().starts_with("...x"));
    EXPECT_TRUE(error.path().ends_with("x/end"));
    const std::string fits(DeviceTreeError::kPathLength, 'y');
    EXPECT_EQ((DeviceTreeError{fits, "", ""}).path(), fits);
}

TEST(DeviceTreeErrorText, nothing_unprintable_reaches_the_console)
{
    EXPECT_EQ(describe({"/a\x1b[2J\n\x80", "", "is wrong"}), "device tree: /a?[2J??: is wrong");
}

} // namespace
} // namespace percival
