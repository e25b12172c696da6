// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/boot_arguments/memory_range.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

TEST(MemoryRange, SizesHaveUnitsAndBothNumbersMayBeHexadecimal)
{
    EXPECT_EQ(memory_range_in("256M@0x70000000"), (PhysRange{PhysAddr{0x7000'0000}, 256_MiB}));
    EXPECT_EQ(memory_range_in("0x1000k@4096"), (PhysRange{PhysAddr{4096}, 4_MiB}));
    EXPECT_EQ(memory_range_in("1G@0"), (PhysRange{PhysAddr{0}, 1_GiB}));
    EXPECT_EQ(memory_range_in("8192@0"), (PhysRange{PhysAddr{0}, 8_KiB}));
    EXPECT_EQ(memory_range_in("2T@0x20000000000"), (PhysRange{PhysAddr{u64{2} << 40}, 2_TiB}));
}

TEST(MemoryRange, AnythingElseIsRefused)
{
    for (const char* text : {"", "@", "256M", "256M@", "@0x1000", "M@0", "256X@0", "256MB@0", "1G@0x",
                             "1G@-1", "-1@0", "1G@1M", "1G@0@0", " 1G@0"})
        EXPECT_EQ(memory_range_in(text).error(), "is not SIZE@ADDRESS") << text;
}

TEST(MemoryRange, ARangeEndsAtMostAtTheLastPhysicalAddress)
{
    EXPECT_TRUE(memory_range_in("4096T@0").has_value());
    EXPECT_TRUE(memory_range_in("1G@0xfffffc0000000").has_value());
    for (const char* text : {"4097T@0", "2G@0xfffffc0000000", "1@0x10000000000001", "0xffffffffffffffff@1",
                             "0xffffffffffffffffK@0", "1G@0xffffffffc0000000"})
        EXPECT_EQ(memory_range_in(text).error(), "ends beyond all physical addresses") << text;
    EXPECT_EQ(memory_range_in("0x10000000000000000@0").error(), "is not SIZE@ADDRESS");
}

} // namespace
} // namespace percival
