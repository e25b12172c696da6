// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sync/lock_graph.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

class LockGraphTest : public testing::Test {
protected:
    std::optional<LockInversion> note(u32 held, u32 wanted)
    {
        ++site_;
        return graph_.note({held, wanted, VirtAddr{1000 + site_}, VirtAddr{2000 + site_}});
    }

    LockGraph<64> graph_;
    u64 site_{0};
};

TEST_F(LockGraphTest, OrdersThatAgreeAreNoInversion)
{
    EXPECT_FALSE(note(0, 1));
    EXPECT_FALSE(note(1, 2));
    EXPECT_FALSE(note(0, 2));
    EXPECT_FALSE(note(0, 63));
    EXPECT_FALSE(note(2, 63));
    EXPECT_TRUE(graph_.was_seen(0, 63));
    EXPECT_FALSE(graph_.was_seen(63, 0));
}

TEST_F(LockGraphTest, TheOppositeOrderIsAnInversionThatNamesBothPlaces)
{
    EXPECT_FALSE(note(3, 4));
    const auto inversion = note(4, 3);
    ASSERT_TRUE(inversion);
    EXPECT_EQ(inversion->now.wanted_at, VirtAddr{2002});
    EXPECT_EQ(inversion->now.held_at, VirtAddr{1002});
    EXPECT_EQ(inversion->earlier.wanted_at, VirtAddr{2001});
    EXPECT_EQ(inversion->earlier.held_at, VirtAddr{1001});
}

TEST_F(LockGraphTest, AnOrderThatClosesALongCycleIsAnInversion)
{
    for (u32 i = 0; i < 63; ++i)
        EXPECT_FALSE(note(i, i + 1));
    const auto inversion = note(63, 0);
    ASSERT_TRUE(inversion);
    EXPECT_EQ(inversion->earlier.held, 0u);
    EXPECT_EQ(inversion->earlier.wanted, 1u);
}

TEST_F(LockGraphTest, AnInversionIsNotAddedAndIsFoundAgain)
{
    EXPECT_FALSE(note(0, 1));
    EXPECT_TRUE(note(1, 0));
    EXPECT_TRUE(note(1, 0));
    EXPECT_FALSE(note(0, 1));
}

TEST_F(LockGraphTest, AClassWithinItselfIsAnInversion)
{
    EXPECT_TRUE(note(5, 5));
}

} // namespace
} // namespace percival
