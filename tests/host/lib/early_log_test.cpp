// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/early_log.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

TEST(EarlyLogTest, ALineThatFillsTheRoomExactlyIsKept)
{
    EarlyLog<8> log;
    log.keep("abc");
    log.keep("def");
    EXPECT_EQ(log.text(), "abc\ndef\n");
    EXPECT_EQ(log.dropped(), 0u);
}

TEST(EarlyLogTest, ALineOneCharacterTooLongIsDroppedWhole)
{
    EarlyLog<8> log;
    log.keep("abc");
    log.keep("defg");
    EXPECT_EQ(log.text(), "abc\n");
    EXPECT_EQ(log.dropped(), 1u);
}

TEST(EarlyLogTest, NothingIsKeptAfterADroppedLine)
{
    EarlyLog<8> log;
    log.keep("abc");
    log.keep("defg");
    log.keep("d");
    EXPECT_EQ(log.text(), "abc\n");
    EXPECT_EQ(log.dropped(), 2u);
}

} // namespace
} // namespace percival
