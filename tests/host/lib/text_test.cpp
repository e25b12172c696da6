// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/text.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

TEST(Slice, returns_the_requested_characters)
{
    EXPECT_EQ(slice("abcdef", 0, 3), "abc");
    EXPECT_EQ(slice("abcdef", 2, 3), "cde");
    EXPECT_EQ(slice("abcdef", 2), "cdef");
}

TEST(Slice, out_of_bounds_is_shorter_or_empty)
{
    EXPECT_EQ(slice("abc", 1, 100), "bc");
    EXPECT_EQ(slice("abc", 3), "");
    EXPECT_EQ(slice("abc", 4), "");
    EXPECT_EQ(slice("abc", std::string_view::npos, 1), "");
    EXPECT_EQ(slice("", 0, 0), "");
}

} // namespace
} // namespace percival
