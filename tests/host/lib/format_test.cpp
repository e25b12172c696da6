// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/format.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

namespace percival {
namespace {

template <class... Args>
std::string formatted(FormatString<std::type_identity_t<Args>...> text, const Args&... args)
{
    std::array<char, 128> room;
    Writer out{room};
    format(out, text, args...);
    EXPECT_FALSE(out.truncated());
    return std::string{out.text()};
}

TEST(Format, copies_text_without_placeholders)
{
    EXPECT_EQ(formatted(""), "");
    EXPECT_EQ(formatted("a line\n"), "a line\n");
}

TEST(Format, prints_the_extremes_of_every_integer_width)
{
    EXPECT_EQ(formatted("{} {}", u64{0}, std::numeric_limits<u64>::max()), "0 18446744073709551615");
    EXPECT_EQ(formatted("{} {}", std::numeric_limits<s64>::min(), std::numeric_limits<s64>::max()),
              "-9223372036854775808 9223372036854775807");
    EXPECT_EQ(formatted("{} {}", std::numeric_limits<s8>::min(), std::numeric_limits<u8>::max()), "-128 255");
    EXPECT_EQ(formatted("{} {}", std::numeric_limits<s16>::min(), std::numeric_limits<u16>::max()),
              "-32768 65535");
    EXPECT_EQ(formatted("{} {}", std::numeric_limits<s32>::min(), std::numeric_limits<u32>::max()),
              "-2147483648 4294967295");
}

TEST(Format, prints_a_value_that_describes_itself_in_its_place)
{
    struct Point {
        int x;
        int y;
        void describe(Writer& out) const { format(out, "({}, {})", x, y); }
    };
    EXPECT_EQ(formatted("from {} to {}.", Point{1, 2}, Point{-3, 4}), "from (1, 2) to (-3, 4).");
}

TEST(Format, prints_hexadecimal_with_its_prefix)
{
    EXPECT_EQ(formatted("{:x} {:x}", 0U, 0xdead'beefU), "0x0 0xdeadbeef");
    EXPECT_EQ(formatted("{:x}", std::numeric_limits<u64>::max()), "0xffffffffffffffff");
}

TEST(Format, hexadecimal_negative_numbers_have_a_sign)
{
    EXPECT_EQ(formatted("{:x} {:x}", -1, s8{-128}), "-0x1 -0x80");
    EXPECT_EQ(formatted("{:x}", std::numeric_limits<s64>::min()), "-0x8000000000000000");
}

TEST(Format, pads_left_right_and_with_zeros)
{
    EXPECT_EQ(formatted("[{:6}] [{:-6}] [{:06}]", 42, 42, 42), "[    42] [42    ] [000042]");
    EXPECT_EQ(formatted("[{:06}] [{:6}]", -42, -42), "[-00042] [   -42]");
    EXPECT_EQ(formatted("[{:018x}]", u64{0x1234}), "[0x0000000000001234]");
    EXPECT_EQ(formatted("[{:6}] [{:-6}] [{:2}]", "abc", "abc", "abc"), "[   abc] [abc   ] [abc]");
    EXPECT_EQ(formatted("[{:10}]", 7), "[         7]") << "a zero within the width is no padding";
}

TEST(Format, prints_strings_characters_and_booleans)
{
    EXPECT_EQ(formatted("{} {} {} {}", "abc", std::string_view{"def"}, 'g', true), "abc def g true");
    EXPECT_EQ(formatted("{}", false), "false");
}

TEST(Format, prints_addresses_with_their_kind)
{
    EXPECT_EQ(formatted("{} {}", PhysAddr{0x4000'0000}, VirtAddr{0xffff'0000'0000'0000}),
              "P:0x40000000 V:0xffff000000000000");
    EXPECT_EQ(formatted("{:016}", PhysAddr{0x1234}), "P:0x000000001234");
}

TEST(Format, prints_sizes_in_the_largest_exact_unit)
{
    EXPECT_EQ(formatted("{} {} {}", Bytes{0}, Bytes{1}, Bytes{1023}), "0 B 1 B 1023 B");
    EXPECT_EQ(formatted("{} {} {} {}", 1_KiB, 3_MiB, 8_GiB, 256_TiB), "1 KiB 3 MiB 8 GiB 256 TiB");
    EXPECT_EQ(formatted("{} {}", Bytes{1025}, 1_MiB + 1_KiB), "1025 B 1025 KiB");
    EXPECT_EQ(formatted("{}", Bytes{u64{1} << 52}), "4096 TiB") << "the largest unit there is";
    EXPECT_EQ(formatted("{}", Bytes{std::numeric_limits<u64>::max()}), "18446744073709551615 B");
    EXPECT_EQ(formatted("[{:9}]", 4_KiB), "[    4 KiB]");
}

TEST(Format, prints_cpu_numbers)
{
    EXPECT_EQ(formatted("cpu{}", CpuId{511}), "cpu511");
}

TEST(Format, text_beyond_the_buffer_is_dropped_and_reported)
{
    std::array<char, 8> room{'.', '.', '.', '.', '.', '.', '.', '.'};
    Writer out{std::span{room}.first(5)};
    format(out, "{}-{}", 1234, "abc");
    EXPECT_EQ(out.text(), "1234-");
    EXPECT_TRUE(out.truncated());
    EXPECT_EQ(room[5], '.');
}

TEST(Format, a_text_that_just_fits_is_not_truncated)
{
    std::array<char, 5> room;
    Writer out{room};
    out.put("12345");
    EXPECT_EQ(out.text(), "12345");
    EXPECT_FALSE(out.truncated());
}

// Checks that a pointer is not printed as a bool.
template <class T>
concept Printable = requires(T value) { format_detail::argument(value); };
static_assert(Printable<int> && Printable<const char*> && Printable<char*> && Printable<bool> &&
              Printable<VirtAddr>);
static_assert(!Printable<int*> && !Printable<const void*> && !Printable<std::nullptr_t>);

} // namespace
} // namespace percival
