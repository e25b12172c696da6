// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/boot_arguments/given_arguments.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival {
namespace {

// "key", or "key|value".
std::vector<std::string> parsed(std::string_view text)
{
    std::vector<std::string> all;
    for (const GivenArgument& argument : GivenArguments{text}) {
        std::string one{argument.key};
        if (argument.value)
            one += "|" + std::string{*argument.value};
        all.push_back(one);
    }
    return all;
}

using Parsed = std::vector<std::string>;

TEST(GivenArguments, are_separated_by_any_white_space)
{
    EXPECT_EQ(parsed(""), Parsed{});
    EXPECT_EQ(parsed(" \t\n "), Parsed{});
    EXPECT_EQ(parsed("a"), (Parsed{"a"}));
    EXPECT_EQ(parsed("  a\tb=1\n\nc=2  "), (Parsed{"a", "b|1", "c|2"}));
}

TEST(GivenArguments, split_at_the_first_equals_sign)
{
    EXPECT_EQ(parsed("a=b=c d= e"), (Parsed{"a|b=c", "d|", "e"}));
    EXPECT_EQ(parsed("=a"), (Parsed{"=a"})) << "as with Linux, no argument has an empty name";
}

TEST(GivenArguments, quotes_keep_white_space_and_vanish_around_values_and_arguments)
{
    EXPECT_EQ(parsed(R"(a="b c" d)"), (Parsed{"a|b c", "d"}));
    EXPECT_EQ(parsed(R"("a=b c" d)"), (Parsed{"a|b c", "d"}));
    EXPECT_EQ(parsed(R"("a b" c)"), (Parsed{"a b", "c"}));
    EXPECT_EQ(parsed(R"(a="" b)"), (Parsed{"a|", "b"}));
    EXPECT_EQ(parsed(R"(a=b" "c)"), (Parsed{R"(a|b" "c)"})) << "quotes within a value stay";
    EXPECT_EQ(parsed(R"(a=b"c" d"e")"), (Parsed{R"(a|b"c")", R"(d"e")"})) << "also at its end";
}

TEST(GivenArguments, a_quote_that_is_never_closed_reaches_to_the_end)
{
    EXPECT_EQ(parsed(R"(a="b c)"), (Parsed{"a|b c"}));
    EXPECT_EQ(parsed(R"("a b)"), (Parsed{"a b"}));
    EXPECT_EQ(parsed(R"(a=")"), (Parsed{"a|"}));
    EXPECT_EQ(parsed(R"(")"), (Parsed{""}));
}

TEST(GivenArguments, belong_to_a_family_by_a_whole_first_word)
{
    EXPECT_EQ((GivenArgument{"selftest", "x"}).family(), "selftest");
    EXPECT_EQ((GivenArgument{"selftest.lits", {}}).family(), "selftest");
    EXPECT_EQ((GivenArgument{"selftests", {}}).family(), "selftests");
    EXPECT_EQ((GivenArgument{".x", {}}).family(), "");
    EXPECT_EQ((GivenArgument{"", {}}).family(), "");
}

} // namespace
} // namespace percival
