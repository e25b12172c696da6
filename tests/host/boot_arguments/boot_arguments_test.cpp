// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/boot_arguments/boot_arguments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <vector>

namespace percival {
namespace {

using Table = BootArgumentTable;
using Problem = BootArgumentError::Problem;

// Only the table makes entries, and only entries can be read.
static_assert(!std::is_constructible_v<FlagArgument, BootArgument>);
static_assert(!std::is_invocable_v<decltype(&BootArguments::flag), BootArguments, BootArgument>);
static_assert(!std::is_invocable_v<decltype(&BootArguments::flag), BootArguments, NumberArgument>);

std::string described(const BootArgumentError& error)
{
    std::array<char, 160> room;
    Writer out{room};
    error.describe(out);
    return std::string{out.text()};
}

std::string usage_of(const BootArgument& argument)
{
    std::array<char, 80> room;
    Writer out{room};
    describe_usage(argument, out);
    return std::string{out.text()};
}

std::vector<std::string_view> unknown_of(std::string_view text)
{
    std::vector<std::string_view> all;
    BootArguments{text}.for_each_unknown(
        [&](const UnknownBootArgument& argument) { all.push_back(argument.key); });
    return all;
}

// Returns the name of the argument that the only argument in `text` is taken for; empty if there is none.
std::string meant_by(std::string_view text)
{
    std::string meant;
    BootArguments{text}.for_each_unknown([&](const UnknownBootArgument& argument) {
        if (argument.meant != nullptr)
            meant = argument.meant->name.text();
    });
    return meant;
}

std::vector<std::string_view> foreign_of(std::string_view text)
{
    std::vector<std::string_view> all;
    BootArguments{text}.for_each_foreign([&](std::string_view key) { all.push_back(key); });
    return all;
}

TEST(BootArguments, the_last_of_several_values_counts)
{
    const BootArguments arguments{"bench=1 ptdump bench=2 verdict bench=3"};
    EXPECT_EQ(arguments.text(Table::kBench), "3");
    EXPECT_EQ(BootArguments{"bench=1 bench"}.text(Table::kBench), "");
    EXPECT_FALSE(BootArguments{"ptdump=on ptdump=off"}.flag(Table::kPtdump));
}

TEST(BootArguments, names_match_whole)
{
    const BootArguments arguments{"selftest.list xbench bench.x=1"};
    EXPECT_EQ(arguments.text(Table::kSelftest), "*");
    EXPECT_FALSE(arguments.is_given(Table::kSelftest));
    EXPECT_FALSE(arguments.is_given(Table::kBench));
    EXPECT_TRUE(arguments.flag(Table::kSelftestList));
}

TEST(BootArguments, a_missing_text_is_its_default)
{
    EXPECT_EQ(BootArguments{""}.text(Table::kSelftest), "*");
    EXPECT_EQ(BootArguments{"selftest="}.text(Table::kSelftest), "");
    EXPECT_TRUE(BootArguments{"bench"}.is_given(Table::kBench));
}

TEST(BootArguments, a_flag_is_set_by_its_name_and_cleared_by_a_negative_value)
{
    for (const char* text : {"ptdump", "ptdump=1", "ptdump=yes"})
        EXPECT_TRUE(BootArguments{text}.flag(Table::kPtdump)) << text;
    for (const char* text : {"", "b", "ptdump=0", "ptdump=n", "ptdump=no", "ptdump=off", "ptdump=false"})
        EXPECT_FALSE(BootArguments{text}.flag(Table::kPtdump)) << text;
}

TEST(BootArguments, numbers_are_decimal_or_hexadecimal)
{
    const auto number = [](const std::string& value) {
        const std::string text = "selftest.timeout=" + value;
        const auto read = BootArguments{text}.number(Table::kSelftestTimeout);
        EXPECT_TRUE(read.is_given && !read.problem) << value;
        return read.value;
    };
    EXPECT_EQ(number("0"), 0U);
    EXPECT_EQ(number("31"), 31U);
    EXPECT_EQ(number("007"), 7U);
    EXPECT_EQ(number("0x1f"), 0x1fU);
    EXPECT_EQ(number("0XAb"), 0xabU);
    EXPECT_EQ(number("18446744073709551615"), ~u64{0});
    EXPECT_EQ(number("0xffffffffffffffff"), ~u64{0});
}

TEST(BootArguments, a_missing_number_is_its_default)
{
    const auto read = BootArguments{"selftest.repeat=7"}.number(Table::kSelftestTimeout);
    EXPECT_EQ(read.value, 30U);
    EXPECT_FALSE(read.is_given);
    EXPECT_FALSE(read.problem);
}

TEST(BootArguments, a_wrong_number_is_reported_and_replaced_by_the_default)
{
    for (const char* value : {"", "soon", "-1", "+1", "1 ", "1s", "0x", "0xg", "1e3", "0b1", " 1"}) {
        const std::string text = "selftest.timeout=\"" + std::string{value} + "\"";
        const auto read = BootArguments{text}.number(Table::kSelftestTimeout);
        EXPECT_EQ(read.value, 30U) << value;
        ASSERT_TRUE(read.problem) << value;
        EXPECT_EQ(described(*read.problem),
                  "selftest.timeout=" + std::string{value} + ": is not a number, using 30");
    }
    EXPECT_TRUE(BootArguments{"selftest.timeout"}.number(Table::kSelftestTimeout).problem);
}

TEST(BootArguments, a_number_beyond_64_bits_is_reported)
{
    for (const char* value : {"18446744073709551616", "0x10000000000000000", "99999999999999999999999"}) {
        const std::string text = "selftest.repeat=" + std::string{value};
        const auto read = BootArguments{text}.number(Table::kSelftestRepeat);
        ASSERT_TRUE(read.problem) << text;
        EXPECT_EQ(described(*read.problem), text + ": does not fit 64 bits, using 1");
    }
}

// Reads each word of a choice and expects the enumerators in order, from 0 on.
template <class Choice>
void expect_choices(const BootArgumentOf<Choice>& argument, const std::vector<std::string>& words)
{
    for (std::size_t number = 0; number < words.size(); ++number) {
        const std::string text = std::string{argument.name.text()} + "=" + words[number];
        const auto read = BootArguments{text}.choice(argument);
        EXPECT_EQ(read.value, static_cast<Choice>(number)) << text;
        EXPECT_TRUE(read.is_given && !read.problem) << text;
    }
}

TEST(BootArguments, a_choice_is_the_enumerator_of_its_word)
{
    expect_choices(Table::kLinear, {"auto", "blocks", "pages"});
    expect_choices(Table::kPercpu, {"local", "restart", "fixup", "guarded", "auto"});
    expect_choices(Table::kPercpuAdd, {"ldadd", "stadd", "llsc", "auto"});
    expect_choices(Table::kPercpuWindow, {"linked", "mapped"});
    expect_choices(Table::kProbeFault, {"none", "root", "tlbi"});
    expect_choices(Table::kVerdict, {"poweroff", "semihosting", "reset"});
    expect_choices(Table::kEl, {"1", "2"});
    EXPECT_EQ(static_cast<int>(VerdictChoice::Reset), 2);
    EXPECT_EQ(static_cast<int>(PercpuChoice::Auto), 4);
    EXPECT_EQ(static_cast<int>(PercpuAddChoice::Auto), 3);
}

TEST(BootArguments, a_missing_choice_is_its_default)
{
    const BootArguments none{""};
    EXPECT_EQ(none.choice(Table::kLinear).value, LinearChoice::Auto);
    EXPECT_EQ(none.choice(Table::kPercpu).value, PercpuChoice::Local);
    EXPECT_EQ(none.choice(Table::kPercpuAdd).value, PercpuAddChoice::Auto);
    EXPECT_EQ(none.choice(Table::kPercpuWindow).value, PercpuWindowChoice::Linked);
    EXPECT_EQ(none.choice(Table::kEl).value, LevelChoice::El1);
    EXPECT_EQ(none.choice(Table::kVerdict).value, VerdictChoice::PowerOff);
    EXPECT_FALSE(none.choice(Table::kVerdict).is_given);
    EXPECT_FALSE(none.choice(Table::kVerdict).problem);
}

TEST(BootArguments, a_wrong_choice_is_reported_with_all_choices_and_replaced_by_the_default)
{
    const auto fast = BootArguments{"percpu.add=fast"}.choice(Table::kPercpuAdd);
    EXPECT_EQ(fast.value, PercpuAddChoice::Auto);
    EXPECT_FALSE(fast.is_given);
    EXPECT_EQ(described(fast.problem.value()),
              "percpu.add=fast: is none of ldadd, stadd, llsc and auto, using auto");
    const auto page = BootArguments{"linear=page"}.choice(Table::kLinear);
    EXPECT_EQ(page.value, LinearChoice::Auto);
    EXPECT_EQ(described(page.problem.value()), "linear=page: is none of auto, blocks and pages, using auto");
    for (const char* text : {"linear", "linear=", "linear=auto|blocks|pages", "linear=Pages", "linear=|"})
        EXPECT_TRUE(BootArguments{text}.choice(Table::kLinear).problem) << text;
}

TEST(BootArguments, an_argument_is_unknown_if_only_its_family_is_in_the_table)
{
    EXPECT_EQ(unknown_of("selftest.lits percpu.mode=local arguments bench.list=1 selftest.list"),
              (std::vector<std::string_view>{"selftest.lits", "percpu.mode", "arguments", "bench.list"}));
    EXPECT_TRUE(unknown_of("console=ttyAMA0 quiet .list").empty());
}

TEST(BootArguments, a_misspelt_name_is_unknown_and_told_with_the_name_that_is_meant)
{
    EXPECT_EQ(meant_by("seltest=roots.*"), "selftest");
    EXPECT_EQ(meant_by("slefetst=roots.*"), "selftest");
    EXPECT_EQ(meant_by("selftests"), "selftest");
    EXPECT_EQ(meant_by("selftest.lits"), "selftest.list");
    EXPECT_EQ(meant_by("verdit=semihosting"), "verdict");
    EXPECT_EQ(meant_by("bnech"), "bench");
    EXPECT_EQ(meant_by("selftest.mode"), "");
    EXPECT_EQ(unknown_of("seltest.mode=x"), (std::vector<std::string_view>{"seltest.mode"}));
    EXPECT_TRUE(unknown_of("bunch1 p " + std::string(300, 's')).empty());
}

TEST(BootArguments, an_argument_that_looks_like_none_of_the_table_is_foreign)
{
    const std::string_view others =
        "console=ttyAMA0 root=/dev/vda quiet init=/bin/sh rdinit maxcpus=1 panic=5 "
        "keepinitrd nr_cpus vmalloc=1G mem=1G nokaslr";
    EXPECT_EQ(foreign_of(others).size(), 12U);
    EXPECT_TRUE(foreign_of("selftest=x selftest.lits seltest percpu=auto").empty());
}

TEST(BootArguments, each_entry_of_the_table_is_known_and_unique)
{
    std::vector<std::string_view> names;
    std::string all;
    BootArgumentTable::for_each([&](const BootArgument& argument) {
        names.push_back(argument.name.text());
        all += " " + std::string{argument.name.text()};
        EXPECT_FALSE(argument.meaning.text().empty());
    });
    EXPECT_TRUE(unknown_of(all).empty());
    std::ranges::sort(names);
    EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(BootArguments, usage_shows_name_and_values)
{
    EXPECT_EQ(usage_of(Table::kSelftest), "selftest=GLOB[,GLOB]");
    EXPECT_EQ(usage_of(Table::kBench), "bench[=GLOB[,GLOB]]");
    EXPECT_EQ(usage_of(Table::kPtdump), "ptdump");
    EXPECT_EQ(usage_of(Table::kPercpu), "percpu=local|restart|fixup|guarded|auto");
}

TEST(BootArguments, a_choice_that_the_build_lacks_is_neither_shown_nor_accepted)
{
    BootArgument without_local{Table::kPercpu};
    without_local.missing_choices = 1;
    EXPECT_EQ(usage_of(without_local), "percpu=restart|fixup|guarded|auto");
    EXPECT_EQ(default_of(without_local), "restart");
    const BootArgumentError error{without_local, "local", Problem::NoSuchChoice};
    EXPECT_EQ(described(error), "percpu=local: is none of restart, fixup, guarded and auto, using restart");

    BootArgument only_fixup{Table::kPercpu};
    only_fixup.missing_choices = 0b1011;
    EXPECT_EQ(usage_of(only_fixup), "percpu=fixup|auto");
    EXPECT_EQ(default_of(only_fixup), "fixup");
    const BootArgumentError other{only_fixup, "guarded", Problem::NoSuchChoice};
    EXPECT_EQ(described(other), "percpu=guarded: is neither fixup nor auto, using fixup");
}

} // namespace
} // namespace percival
