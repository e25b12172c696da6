// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/glob.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival {
namespace {

// Defines the meaning of patterns in the simplest way.
bool matches_by_definition(std::string_view pattern, std::string_view text)
{
    if (pattern.empty())
        return text.empty();
    if (pattern.front() == '*') {
        for (std::size_t taken = 0; taken <= text.size(); ++taken) {
            if (matches_by_definition(pattern.substr(1), text.substr(taken)))
                return true;
        }
        return false;
    }
    return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
           matches_by_definition(pattern.substr(1), text.substr(1));
}

std::vector<std::string> words_up_to(std::size_t length, std::string_view alphabet)
{
    std::vector<std::string> words{""};
    for (std::size_t begin = 0, round = 0; round < length; ++round) {
        const std::size_t end = words.size();
        for (; begin < end; ++begin) {
            for (char c : alphabet)
                words.push_back(words[begin] + c);
        }
    }
    return words;
}

TEST(glob, agrees_with_the_definition_on_every_short_pattern_and_text)
{
    const std::vector<std::string> texts = words_up_to(5, "ab");
    for (const std::string& pattern : words_up_to(5, "ab*?")) {
        for (const std::string& text : texts)
            ASSERT_EQ(glob_matches(pattern, text), matches_by_definition(pattern, text))
                << pattern << " on " << text;
    }
}

TEST(glob, full_names_match_as_in_a_shell)
{
    EXPECT_TRUE(glob_matches("percpu.*", "percpu.the_same_address_holds_a_value_per_cpu"));
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("*.adds_?_bytes", "percpu.adds_8_bytes"));
    EXPECT_FALSE(glob_matches("percpu", "percpu.adds"));
    EXPECT_FALSE(glob_matches("", "percpu.adds"));
}

TEST(glob, a_hostile_pattern_costs_no_more_than_pattern_times_text)
{
    std::string pattern;
    for (int i = 0; i < 50; ++i)
        pattern += "a*";
    const std::string text(20'000, 'a');
    EXPECT_FALSE(glob_matches(pattern + "b", text)); // takes forever if every star is retried
}

} // namespace
} // namespace percival
