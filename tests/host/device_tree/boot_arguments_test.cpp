// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/boot_arguments.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival {
namespace {

// "key", or "key|value".
std::vector<std::string> parsed(std::string_view text)
{
    std::vector<std::string> all;
    for (const BootArgument& argument : BootArguments{text}) {
        std::string one{argument.key};
        if (argument.value)
            one += "|" + std::string{*argument.value};
        all.push_back(one);
    }
    return all;
}

using Parsed = std::vector<std::string>;

TEST(BootArguments, are_separated_by_any_white_space)
{
    EXPECT_EQ(parsed(""), Parsed{});
    EXPECT_EQ(parsed(" \t\n "), Parsed{});
    EXPECT_EQ(parsed("a"), (Parsed{"a"}));
    EXPECT_EQ(parsed("  a\tb=1\n\nc=2  "), (Parsed{"a", "b|1", "c|2"}));
}

TEST(BootArguments, split_at_the_first_equals_sign)
{
    EXPECT_EQ(parsed("a=b=c d= e"), (Parsed{"a|b=c", "d|", "e"}));
    EXPECT_EQ(parsed("=a"), (Parsed{"=a"})) << "as with Linux, no argument has an empty name";
}

TEST(BootArguments, quotes_keep_white_space_and_vanish_around_values_and_arguments)
{
    EXPECT_EQ(parsed(R"(a="b c" d)"), (Parsed{"a|b c", "d"}));
    EXPECT_EQ(parsed(R"("a=b c" d)"), (Parsed{"a|b c", "d"}));
    EXPECT_EQ(parsed(R"("a b" c)"), (Parsed{"a b", "c"}));
    EXPECT_EQ(parsed(R"(a="" b)"), (Parsed{"a|", "b"}));
    EXPECT_EQ(parsed(R"(a=b" "c)"), (Parsed{R"(a|b" "c)"})) << "quotes within a value stay";
    EXPECT_EQ(parsed(R"(a=b"c" d"e")"), (Parsed{R"(a|b"c")", R"(d"e")"})) << "also at its end";
}

TEST(BootArguments, a_quote_that_is_never_closed_reaches_to_the_end)
{
    EXPECT_EQ(parsed(R"(a="b c)"), (Parsed{"a|b c"}));
    EXPECT_EQ(parsed(R"("a b)"), (Parsed{"a b"}));
    EXPECT_EQ(parsed(R"(a=")"), (Parsed{"a|"}));
    EXPECT_EQ(parsed(R"(")"), (Parsed{""}));
}

TEST(BootArguments, the_last_of_a_name_counts)
{
    const BootArguments arguments{"a=1 b a=2 c a=3"};
    EXPECT_EQ(arguments.value("a"), "3");
    EXPECT_EQ(BootArguments{"a=1 a"}.value("a"), "");
    EXPECT_FALSE(BootArguments{"a=on a=off"}.flag("a"));
}

TEST(BootArguments, names_match_whole)
{
    const BootArguments arguments{"selftest.list xbench bench.x=1"};
    EXPECT_EQ(arguments.value("selftest"), std::nullopt);
    EXPECT_EQ(arguments.value("bench"), std::nullopt);
    EXPECT_TRUE(arguments.flag("selftest.list"));
}

TEST(BootArguments, a_flag_is_set_by_its_name_and_cleared_by_a_no)
{
    EXPECT_TRUE(BootArguments{"a"}.flag("a"));
    EXPECT_TRUE(BootArguments{"a=1"}.flag("a"));
    EXPECT_TRUE(BootArguments{"a=yes"}.flag("a"));
    EXPECT_FALSE(BootArguments{"b"}.flag("a"));
    for (const char* text : {"a=0", "a=n", "a=no", "a=off", "a=false"})
        EXPECT_FALSE(BootArguments{text}.flag("a")) << text;
}

TEST(BootArguments, numbers_are_decimal_or_hexadecimal)
{
    const auto number = [](std::string_view text) { return BootArguments{text}.number("n").value(); };
    EXPECT_EQ(number("n=0"), 0U);
    EXPECT_EQ(number("n=30"), 30U);
    EXPECT_EQ(number("n=007"), 7U);
    EXPECT_EQ(number("n=0x1f"), 0x1fU);
    EXPECT_EQ(number("n=0XAb"), 0xabU);
    EXPECT_EQ(number("n=18446744073709551615"), ~u64{0});
    EXPECT_EQ(number("n=0xffffffffffffffff"), ~u64{0});
    EXPECT_EQ(number("m=1"), std::nullopt);
}

TEST(BootArguments, what_is_no_number_is_reported_with_its_name)
{
    for (const char* value : {"", "soon", "-1", "+1", "1 ", "1s", "0x", "0xg", "1e3", "0b1", " 1"}) {
        const std::string text = "selftest.timeout=\"" + std::string{value} + "\"";
        const auto number = BootArguments{text}.number("selftest.timeout");
        ASSERT_FALSE(number) << value;
        std::array<char, 80> room;
        Writer out{room};
        number.error().describe(out);
        EXPECT_EQ(out.text(), "selftest.timeout=" + std::string{value} + ": is not a number");
    }
    EXPECT_FALSE(BootArguments{"n"}.number("n"));
}

TEST(BootArguments, a_number_beyond_64_bits_is_reported)
{
    for (const char* text :
         {"n=18446744073709551616", "n=0x10000000000000000", "n=99999999999999999999999"}) {
        const auto number = BootArguments{text}.number("n");
        ASSERT_FALSE(number) << text;
        EXPECT_EQ(number.error().problem, "does not fit 64 bits");
    }
}

TEST(BootArguments, belong_to_a_family_by_a_whole_first_word)
{
    EXPECT_TRUE((BootArgument{"selftest", "x"}).is_of("selftest"));
    EXPECT_TRUE((BootArgument{"selftest.lits", {}}).is_of("selftest"));
    EXPECT_FALSE((BootArgument{"selftests", {}}).is_of("selftest"));
    EXPECT_FALSE((BootArgument{"self", {}}).is_of("selftest"));
}

} // namespace
} // namespace percival
