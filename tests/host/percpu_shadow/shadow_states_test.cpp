// SPDX-License-Identifier: BSD-2-Clause
// Tests the bookkeeping of the shadow of percpu memory.
#include "mm/percpu_shadow/states.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace percival::percpu::shadow {
namespace {

constexpr bool kNeedsValues = true;

class ShadowStates : public ::testing::Test {
protected:
    States from(u64 index) { return States{&bytes_[index]}; }

    std::array<u8, 64> bytes_{};
};

TEST_F(ShadowStates, MemoryIsNobodysAtFirst)
{
    for (u64 n = 0; n < bytes_.size(); ++n)
        EXPECT_EQ(from(0).at(n), State::Unallocated);
    EXPECT_EQ(from(3).find_wrong(1, !kNeedsValues), (WrongByte{Wrong::OutOfBounds, 0}));
}

TEST_F(ShadowStates, AnObjectEndsWithItsSizeAndNotWithItsPlace)
{
    from(8).allocate(6, 8, State::Written);
    EXPECT_FALSE(from(8).find_wrong(6, kNeedsValues));
    EXPECT_EQ(from(8).find_wrong(7, kNeedsValues), (WrongByte{Wrong::OutOfBounds, 6}));
    EXPECT_EQ(from(12).find_wrong(4, kNeedsValues), (WrongByte{Wrong::OutOfBounds, 2}));
    EXPECT_EQ(from(7).find_wrong(2, kNeedsValues), (WrongByte{Wrong::OutOfBounds, 0}));
    EXPECT_EQ(from(8).object_size(56), 6u);
}

TEST_F(ShadowStates, OnlyAnAccessThatNeedsValuesMustNotMeetBytesThatWereNeverWritten)
{
    from(0).allocate(8, 8, State::NeverWritten);
    EXPECT_FALSE(from(0).find_wrong(8, !kNeedsValues));
    EXPECT_EQ(from(0).find_wrong(8, kNeedsValues), (WrongByte{Wrong::NeverWritten, 0}));
    from(0).note_written(4);
    EXPECT_FALSE(from(0).find_wrong(4, kNeedsValues));
    EXPECT_EQ(from(0).find_wrong(8, kNeedsValues), (WrongByte{Wrong::NeverWritten, 4}));
    from(4).note_written(4);
    EXPECT_FALSE(from(0).find_wrong(8, kNeedsValues));
}

TEST_F(ShadowStates, AFreeReachesToTheEndOfTheObjectAndNotIntoTheNext)
{
    from(0).allocate(8, 8, State::Written);
    from(8).allocate(8, 8, State::NeverWritten);
    from(16).allocate(5, 8, State::Written);
    from(8).free(56);
    EXPECT_FALSE(from(0).find_wrong(8, kNeedsValues));
    EXPECT_EQ(from(0).find_wrong(9, kNeedsValues), (WrongByte{Wrong::UseAfterFree, 8}));
    for (u64 n = 8; n < 16; ++n)
        EXPECT_EQ(from(0).at(n), State::Freed);
    EXPECT_FALSE(from(16).find_wrong(5, kNeedsValues));
    from(16).free(48);
    EXPECT_EQ(from(0).at(20), State::Freed);
    EXPECT_EQ(from(0).at(21), State::Unallocated);
}

TEST_F(ShadowStates, AFreedObjectKeepsItsExtentUntilItsPlaceIsUsedAgain)
{
    from(8).allocate(8, 8, State::Written);
    from(16).allocate(8, 8, State::Written);
    from(8).free(56);
    from(16).free(48);
    EXPECT_TRUE(from(8).begins(0));
    EXPECT_TRUE(from(16).begins(0));
    EXPECT_FALSE(from(9).begins(0));
    EXPECT_EQ(from(8).object_size(56), 8u);
    from(8).allocate(16, 16, State::Written);
    EXPECT_FALSE(from(16).begins(0));
    EXPECT_EQ(from(8).object_size(56), 16u);
}

TEST_F(ShadowStates, AFreeStopsAtTheEndOfTheShadow)
{
    from(0).allocate(16, 16, State::Written);
    from(0).free(8);
    EXPECT_EQ(from(0).at(7), State::Freed);
    EXPECT_EQ(from(0).at(8), State::Written);
}

TEST_F(ShadowStates, AWriteDoesNotRevealFreedOrForeignBytes)
{
    from(0).allocate(4, 8, State::NeverWritten);
    from(8).allocate(4, 4, State::Written);
    from(8).free(56);
    from(0).note_written(12);
    EXPECT_TRUE(from(0).begins(0)); // the mark survives
    EXPECT_EQ(from(0).at(3), State::Written);
    EXPECT_EQ(from(0).at(4), State::Unallocated);
    EXPECT_EQ(from(0).at(8), State::Freed);
}

} // namespace
} // namespace percival::percpu::shadow
