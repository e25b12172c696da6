// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/boot_arguments/boot_arguments.hpp"

#include "kernel/lib/number.hpp"
#include "kernel/lib/text.hpp"

#include <algorithm>
#include <array>

namespace percival {
namespace {

using Problem = BootArgumentError::Problem;

// Calls visit(u8 number, std::string_view word) for each choice that this build has.
template <class Visit>
void for_each_choice(const BootArgument& argument, Visit visit)
{
    std::string_view rest = argument.values.text();
    for (u8 number = 0;; ++number) {
        const std::size_t bar = rest.find('|');
        if ((argument.missing_choices >> number & 1) == 0)
            visit(number, slice(rest, 0, bar));
        if (bar == std::string_view::npos)
            return;
        rest = slice(rest, bar + 1);
    }
}

// Returns the number of the choice called `name`, or nothing if this build has none.
std::optional<u8> choice_named(const BootArgument& argument, std::string_view name)
{
    std::optional<u8> found;
    for_each_choice(argument, [&](u8 number, std::string_view word) {
        if (word == name)
            found = number;
    });
    return found;
}

Problem problem_of(NumberError error)
{
    return error == NumberError::NotANumber ? Problem::NotANumber : Problem::Beyond64Bits;
}

// Returns how many characters have to be inserted, left out, replaced or swapped with their neighbour to make
// `given` of `name`: the optimal string alignment distance. Texts that are longer than any name have nothing
// in common with it.
u32 distance(std::string_view given, std::string_view name)
{
    constexpr std::size_t kLongest = sizeof(BootArgument::name);
    if (given.size() > kLongest || name.size() > kLongest)
        return kLongest;
    // Rows of the usual table: two above the current one.
    std::array<std::array<u8, kLongest + 1>, 3> rows{};
    const auto row = [&rows](std::size_t at) -> auto& { return rows[at % rows.size()]; };
    for (std::size_t column = 0; column <= name.size(); ++column)
        row(0)[column] = static_cast<u8>(column);
    for (std::size_t i = 1; i <= given.size(); ++i) {
        row(i)[0] = static_cast<u8>(i);
        for (std::size_t j = 1; j <= name.size(); ++j) {
            const u32 replaced = row(i - 1)[j - 1] + (given[i - 1] == name[j - 1] ? 0U : 1U);
            u32 least = std::min({row(i - 1)[j] + 1U, row(i)[j - 1] + 1U, replaced});
            if (i > 1 && j > 1 && given[i - 1] == name[j - 2] && given[i - 2] == name[j - 1])
                least = std::min(least, row(i - 2)[j - 2] + 1U);
            row(i)[j] = static_cast<u8>(least);
        }
    }
    return row(given.size())[name.size()];
}

// Returns whether `given` is probably meant to be `name`. Short names get less tolerance, because other
// kernels' arguments are near them. Linux's `root`, which many loaders pass, is never meant to be `roots`.
bool is_misspelt(std::string_view given, std::string_view name)
{
    if (given == "root")
        return false;
    constexpr std::size_t kLong = 6;
    const u32 wrong = distance(given, name);
    return wrong != 0 && wrong <= (name.size() < kLong ? 1U : 2U);
}

// Writes `is none of restart, fixup, guarded and auto`, or `is neither blocks nor pages`.
void describe_wrong_choice(const BootArgument& argument, Writer& out)
{
    u32 left = 0;
    for_each_choice(argument, [&left](u8, std::string_view) { ++left; });
    const bool of_two = left == 2;
    out.put(of_two ? "is neither " : "is none of ");
    for_each_choice(argument, [&](u8, std::string_view word) {
        --left;
        out.put(word);
        if (left != 0)
            out.put(left > 1 ? ", " : of_two ? " nor " : " and ");
    });
}

} // namespace

void BootArgumentError::describe(Writer& out) const
{
    format(out, "{}={}: ", argument.name.text(), value);
    switch (problem) {
    case Problem::NotANumber:
        out.put("is not a number");
        break;
    case Problem::Beyond64Bits:
        out.put("does not fit 64 bits");
        break;
    case Problem::NoSuchChoice:
        describe_wrong_choice(argument, out);
        break;
    }
    format(out, ", using {}", default_of(argument));
}

std::optional<std::string_view> BootArguments::last(const BootArgument& argument) const
{
    return last_given(given_.text(), argument.name.text());
}

bool BootArguments::flag(const FlagArgument& argument) const
{
    const auto given = last(argument);
    return given && *given != "0" && *given != "n" && *given != "no" && *given != "off" && *given != "false";
}

std::string_view BootArguments::text(const TextArgument& argument) const
{
    return last(argument).value_or(default_of(argument));
}

BootArgumentValue<u64> BootArguments::number(const NumberArgument& argument) const
{
    const u64 otherwise = number_in(default_of(argument)).value_or(0);
    const auto given = last(argument);
    if (!given)
        return {otherwise, false, {}};
    const auto number = number_in(*given);
    if (!number)
        return {otherwise, false, BootArgumentError{argument, *given, problem_of(number.error())}};
    return {*number, true, {}};
}

BootArgumentValue<u8> BootArguments::choice_by_number(const BootArgument& argument) const
{
    const u8 otherwise = choice_named(argument, default_of(argument)).value_or(0);
    const auto given = last(argument);
    if (!given)
        return {otherwise, false, {}};
    const auto chosen = choice_named(argument, *given);
    if (!chosen)
        return {otherwise, false, BootArgumentError{argument, *given, Problem::NoSuchChoice}};
    return {*chosen, true, {}};
}

BootArguments::Spelling BootArguments::spelling_of(const GivenArgument& given)
{
    bool is_known = false;
    bool is_of_a_family = false;
    Spelling spelling{Spelling::Kind::Foreign, nullptr};
    BootArgumentTable::for_each([&](const BootArgument& argument) {
        const std::string_view name = argument.name.text();
        const std::string_view family = GivenArgument{name, {}}.family();
        is_known = is_known || given.key == name;
        is_of_a_family = is_of_a_family || given.family() == family || is_misspelt(given.family(), family);
        if (spelling.meant == nullptr && is_misspelt(given.key, name))
            spelling.meant = &argument;
    });
    if (is_known)
        return {Spelling::Kind::Known, nullptr};
    if (is_of_a_family || spelling.meant != nullptr)
        spelling.kind = Spelling::Kind::Unknown;
    return spelling;
}

void describe_usage(const BootArgument& argument, Writer& out)
{
    const std::string_view values = argument.values.text();
    out.put(argument.name.text());
    std::string_view before = values.empty() || values.starts_with('[') ? "" : "=";
    for_each_choice(argument, [&](u8, std::string_view word) {
        out.put(before);
        out.put(word);
        before = "|";
    });
}

std::string_view default_of(const BootArgument& argument)
{
    const std::string_view fallback = argument.fallback.text();
    if (argument.missing_choices == 0 || choice_named(argument, fallback))
        return fallback;
    std::string_view first;
    for_each_choice(argument, [&first](u8, std::string_view word) {
        if (first.empty())
            first = word;
    });
    return first;
}

} // namespace percival
