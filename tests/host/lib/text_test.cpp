// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

TEST(ListItems, a_list_is_split_at_commas)
{
    const auto split = [](std::string_view list) {
        std::vector<std::string> items;
        for (const std::string_view item : ListItems{list})
            items.emplace_back(item);
        return items;
    };
    using Items = std::vector<std::string>;
    EXPECT_EQ(split("a.*,b.c"), (Items{"a.*", "b.c"}));
    EXPECT_EQ(split("a"), (Items{"a"}));
    EXPECT_EQ(split(""), (Items{""}));
    EXPECT_EQ(split("a,,"), (Items{"a", "", ""}));
}

} // namespace
} // namespace percival
