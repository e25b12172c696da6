// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/selftest/selection.hpp"
#include "kernel/selftest/values.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival {
namespace {

constexpr Selftest kZeta{{"zeta", "holds"}, nullptr, false};
constexpr Selftest kAdds{{"alpha", "adds"}, nullptr, false};
constexpr Selftest kWraps{{"alpha", "wraps"}, nullptr, false};
constexpr Selftest kLonger{{"alphabet", "adds"}, nullptr, false};
constexpr Selftest kPanics{{"demo", "panics"}, nullptr, true};
constexpr std::array<const Selftest*, 5> kAll{&kZeta, &kWraps, &kPanics, &kLonger, &kAdds};

using Names = std::vector<std::string>;

Names select(std::string_view globs, ManualTests manual = ManualTests::ByFullName)
{
    SelftestList selected;
    EXPECT_TRUE(select_tests(kAll, globs, manual, selected));
    Names names;
    for (const Selftest* test : selected)
        names.push_back(std::string{test->suite} + "." + test->name);
    return names;
}

TEST(selftest_selection, tests_are_sorted_by_suite_and_then_by_name)
{
    EXPECT_EQ(select("*"), (Names{"alpha.adds", "alpha.wraps", "alphabet.adds", "zeta.holds"}));
}

TEST(selftest_selection, a_test_that_two_globs_match_runs_once)
{
    EXPECT_EQ(select("alpha.*,*.adds"), (Names{"alpha.adds", "alpha.wraps", "alphabet.adds"}));
}

TEST(selftest_selection, a_manual_test_needs_its_full_name)
{
    EXPECT_EQ(select("demo.panics"), (Names{"demo.panics"}));
    EXPECT_EQ(select("demo.panics,zeta.*"), (Names{"demo.panics", "zeta.holds"}));
    EXPECT_EQ(select("demo.*"), Names{});
    EXPECT_EQ(select("demo.panic?"), Names{});
}

TEST(selftest_selection, a_list_shows_manual_tests_too)
{
    EXPECT_EQ(select("demo.*", ManualTests::AsOthers), (Names{"demo.panics"}));
}

TEST(selftest_selection, an_empty_glob_selects_nothing)
{
    EXPECT_EQ(select(""), Names{});
}

TEST(selftest_selection, too_many_tests_are_reported)
{
    const std::vector<const Selftest*> many(kMaxSelftests + 1, &kAdds);
    SelftestList selected;
    EXPECT_FALSE(select_tests(many, "*", ManualTests::ByFullName, selected));
    EXPECT_EQ(selected.size(), kMaxSelftests);
    EXPECT_TRUE(select_tests(std::span{many}.first(kMaxSelftests), "*", ManualTests::ByFullName, selected));
}

std::string printed(const auto& value)
{
    std::array<char, 80> room;
    Writer out{room};
    selftest_detail::put_value(out, value);
    return std::string{out.text()};
}

enum class Shade : u8 { Dark = 200 };

TEST(selftest_values, are_printed_according_to_their_types)
{
    EXPECT_EQ(printed(17u), "17 (0x11)");
    EXPECT_EQ(printed(s16{-2}), "-2 (0xfffe)");
    EXPECT_EQ(printed(true), "true");
    EXPECT_EQ(printed('x'), "x");
    EXPECT_EQ(printed("text"), "\"text\"");
    EXPECT_EQ(printed(Shade::Dark), "200 (0xc8)");
    EXPECT_EQ(printed(VirtAddr{0x1000}), "V:0x1000");
    EXPECT_EQ(printed(static_cast<int*>(nullptr)), "V:0x0");
    EXPECT_EQ(printed(nullptr), "nullptr");
}

TEST(selftest_values, of_different_signedness_are_compared_as_numbers)
{
    EXPECT_TRUE(selftest_detail::equal(1, 1u));
    EXPECT_FALSE(selftest_detail::equal(-1, ~0u));
    EXPECT_FALSE(selftest_detail::equal(s64{-1}, ~u64{0}));
    EXPECT_TRUE(selftest_detail::equal(u8{200}, 200));
}

} // namespace
} // namespace percival
