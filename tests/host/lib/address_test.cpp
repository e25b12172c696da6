// SPDX-License-Identifier: BSD-2-Clause
// Tests address arithmetic, and that the kinds of addresses do not mix.
#include "kernel/lib/address.hpp"

#include "tests/host/support/range.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>

namespace percival {
namespace {

template <class A, class B>
concept Comparable = requires(A a, B b) { a == b; };
template <class A, class B>
concept Subtractable = requires(A a, B b) { a - b; };

static_assert(!std::is_convertible_v<u64, PhysAddr> && !std::is_convertible_v<PhysAddr, u64>);
static_assert(!std::is_convertible_v<PhysAddr, VirtAddr> && !std::is_constructible_v<VirtAddr, PhysAddr>);
static_assert(!std::is_convertible_v<u64, Bytes> && !std::is_convertible_v<Bytes, u64>);
static_assert(!Comparable<PhysAddr, VirtAddr> && !Comparable<PhysAddr, u64>);
static_assert(!Subtractable<PhysAddr, VirtAddr> && !Subtractable<PhysAddr, u64>);
static_assert(std::same_as<decltype(PhysAddr{} - PhysAddr{}), Bytes>);

TEST(Address, moves_by_bytes)
{
    PhysAddr at{0x1000};
    at += 4_KiB;
    EXPECT_EQ(at, PhysAddr{0x2000});
    EXPECT_EQ(at - Bytes{1}, PhysAddr{0x1fff});
    EXPECT_EQ(at - PhysAddr{0x1800}, Bytes{0x800});
    EXPECT_LT(PhysAddr{1}, PhysAddr{2});
}

TEST(Address, aligns_down_and_up)
{
    EXPECT_EQ(PhysAddr{0x1fff}.align_down(4_KiB), PhysAddr{0x1000});
    EXPECT_EQ(PhysAddr{0x1001}.align_up(4_KiB), PhysAddr{0x2000});
    EXPECT_EQ(PhysAddr{0x2000}.align_up(4_KiB), PhysAddr{0x2000});
    EXPECT_EQ(PhysAddr{0x2000}.align_down(4_KiB), PhysAddr{0x2000});
    EXPECT_TRUE(PhysAddr{0x20'0000}.is_aligned(2_MiB));
    EXPECT_FALSE(PhysAddr{0x20'0008}.is_aligned(2_MiB));
}

TEST(Range, contains_its_first_and_not_its_end)
{
    EXPECT_TRUE(range(0x1000, 0x1000).contains(PhysAddr{0x1000}));
    EXPECT_TRUE(range(0x1000, 0x1000).contains(PhysAddr{0x1fff}));
    EXPECT_FALSE(range(0x1000, 0x1000).contains(PhysAddr{0x2000}));
    EXPECT_FALSE(range(0x1000, 0x1000).contains(PhysAddr{0xfff}));
    EXPECT_FALSE(range(0x1000, 0).contains(PhysAddr{0x1000}));
}

TEST(Range, contains_the_last_byte_of_the_address_space)
{
    const VirtRange top{VirtAddr{~u64{0xfff}}, 4_KiB};
    EXPECT_TRUE(top.contains(VirtAddr{~u64{0}}));
    EXPECT_FALSE(top.contains(VirtAddr{0}));
    EXPECT_TRUE(top.contains(top));
}

TEST(Range, contains_ranges_within_it)
{
    const PhysRange outer = range(0x1000, 0x3000);
    EXPECT_TRUE(outer.contains(outer));
    EXPECT_TRUE(outer.contains(range(0x2000, 0x2000)));
    EXPECT_FALSE(outer.contains(range(0x2000, 0x2001)));
    EXPECT_FALSE(outer.contains(range(0xfff, 0x1000)));
    EXPECT_FALSE(outer.contains(range(0x2000, ~u64{0})));
}

TEST(Range, overlaps_where_a_byte_is_shared)
{
    EXPECT_TRUE(range(0x1000, 0x1000).overlaps(range(0x1fff, 1)));
    EXPECT_TRUE(range(0x1fff, 1).overlaps(range(0x1000, 0x1000)));
    EXPECT_FALSE(range(0x1000, 0x1000).overlaps(range(0x2000, 0x1000)));
    EXPECT_FALSE(range(0x1000, 0x1000).overlaps(range(0x1800, 0)));
}

TEST(Bytes, aligns_down_and_up)
{
    EXPECT_EQ(Bytes{4097}.align_down(4_KiB), 4_KiB);
    EXPECT_EQ(Bytes{4097}.align_up(4_KiB), 8_KiB);
    EXPECT_EQ((8_KiB).align_up(4_KiB), 8_KiB);
    EXPECT_EQ(Bytes{0}.align_up(4_KiB), Bytes{0});
}

TEST(Bytes, divides_by_how_often_a_part_fits)
{
    EXPECT_EQ(64_KiB / 4_KiB, 16u);
    EXPECT_EQ(Bytes{8191} / 4_KiB, 1u);
}

TEST(Bytes, counts_in_powers_of_1024)
{
    EXPECT_EQ(1_MiB, 1_KiB * 1024);
    EXPECT_EQ(1_GiB - 1_MiB, 1_MiB * 1023);
    EXPECT_EQ((1_TiB).count(), u64{1} << 40);
}

} // namespace
} // namespace percival
