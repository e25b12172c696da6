// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/boot_arguments.hpp"

#include "kernel/lib/text.hpp"

#include <expected>

namespace percival {
namespace {

using Problem = BootArgumentError::Problem;

// Returns the values that this build has, such as `restart|guarded|auto` of `local|restart|guarded|auto`.
std::string_view values_here(const BootArgument& argument)
{
    std::string_view values = argument.values.text();
    for (u8 missing = argument.first_choice; missing != 0; --missing)
        values = slice(values, values.find('|') + 1);
    return values;
}

// Calls visit(u8 number, std::string_view word) for each choice that this build has.
template <class Visit>
void for_each_choice(const BootArgument& argument, Visit visit)
{
    std::string_view rest = values_here(argument);
    for (u8 number = argument.first_choice;; ++number) {
        const std::size_t bar = rest.find('|');
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

// Returns the value of a digit, or 16 if `c` is no digit.
constexpr u64 digit(char c)
{
    if (c >= '0' && c <= '9')
        return static_cast<u64>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<u64>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return static_cast<u64>(c - 'A') + 10;
    return 16;
}

// Parses a decimal number, or a hexadecimal one after 0x. Errors: NotANumber, Beyond64Bits.
std::expected<u64, Problem> number_of(std::string_view digits)
{
    const bool is_hex = digits.starts_with("0x") || digits.starts_with("0X");
    if (is_hex)
        digits.remove_prefix(2);
    if (digits.empty())
        return std::unexpected{Problem::NotANumber};

    const u64 base = is_hex ? 16 : 10;
    u64 number = 0;
    for (char c : digits) {
        if (digit(c) >= base)
            return std::unexpected{Problem::NotANumber};
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit(c), &number))
            return std::unexpected{Problem::Beyond64Bits};
    }
    return number;
}

// Writes `is none of restart, guarded and auto`, or `is neither blocks nor pages`.
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
    std::optional<std::string_view> found;
    for (const GivenArgument& given : given_) {
        if (given.key == argument.name.text())
            found = given.value.value_or("");
    }
    return found;
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
    const u64 otherwise = number_of(default_of(argument)).value_or(0);
    const auto given = last(argument);
    if (!given)
        return {otherwise, false, {}};
    const auto number = number_of(*given);
    if (!number)
        return {otherwise, false, BootArgumentError{argument, *given, number.error()}};
    return {*number, true, {}};
}

BootArgumentValue<u8> BootArguments::choice_by_number(const BootArgument& argument) const
{
    const u8 otherwise = choice_named(argument, default_of(argument)).value_or(argument.first_choice);
    const auto given = last(argument);
    if (!given)
        return {otherwise, false, {}};
    const auto chosen = choice_named(argument, *given);
    if (!chosen)
        return {otherwise, false, BootArgumentError{argument, *given, Problem::NoSuchChoice}};
    return {*chosen, true, {}};
}

bool BootArguments::is_unknown(const GivenArgument& given)
{
    bool is_of_a_family = false;
    bool is_known = false;
    BootArgumentTable::for_each([&](const BootArgument& argument) {
        is_known = is_known || given.key == argument.name.text();
        is_of_a_family = is_of_a_family || given.family() == GivenArgument{argument.name.text(), {}}.family();
    });
    return is_of_a_family && !is_known;
}

void describe_usage(const BootArgument& argument, Writer& out)
{
    const std::string_view values = values_here(argument);
    out.put(argument.name.text());
    if (!values.empty() && !values.starts_with('['))
        out.put('=');
    out.put(values);
}

std::string_view default_of(const BootArgument& argument)
{
    const std::string_view fallback = argument.fallback.text();
    if (argument.first_choice == 0 || choice_named(argument, fallback))
        return fallback;
    const std::string_view values = values_here(argument);
    return slice(values, 0, values.find('|'));
}

} // namespace percival
