// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/bounded_vector.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace percival {
namespace {

using Three = BoundedVector<int, 3>;

Three full()
{
    Three items;
    EXPECT_TRUE(items.push(1) && items.push(2) && items.push(3));
    return items;
}

TEST(BoundedVector, starts_empty)
{
    const Three items;
    EXPECT_TRUE(items.empty());
    EXPECT_EQ(items.size(), 0U);
    EXPECT_EQ(items.begin(), items.end());
    EXPECT_TRUE(items.span().empty());
}

TEST(BoundedVector, keeps_order_and_says_when_it_is_full)
{
    Three items = full();
    EXPECT_FALSE(items.push(4));
    EXPECT_EQ(items.size(), 3U);
    EXPECT_EQ(items[0], 1);
    EXPECT_EQ(items[2], 3);
    EXPECT_EQ(std::accumulate(items.begin(), items.end(), 0), 6);
    EXPECT_EQ(items.span().size(), 3U);
}

TEST(BoundedVector, removing_moves_the_last_into_the_gap)
{
    Three items = full();
    items.remove_unordered(0);
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(items[0], 3);
    EXPECT_EQ(items[1], 2);
    items.remove_unordered(1);
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0], 3);
    EXPECT_TRUE(items.push(5));
}

TEST(BoundedVector, truncating_keeps_the_first_and_never_grows)
{
    Three items = full();
    items.truncate(5);
    EXPECT_EQ(items.size(), 3U);
    items.truncate(1);
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0], 1);
    items.clear();
    EXPECT_TRUE(items.empty());
}

constexpr bool works_at_compile_time()
{
    Three items;
    return items.push(7) && items[0] == 7 && items.size() == 1;
}
static_assert(works_at_compile_time());

} // namespace
} // namespace percival
