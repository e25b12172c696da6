// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/boot_arguments.hpp"

#include "kernel/lib/text.hpp"

namespace percival {
namespace {

constexpr bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The value of one digit; 16 for what is none.
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

// Without the closing quote that an opening one calls for. Nested quotes lose one only, as with Linux.
constexpr std::string_view unquoted_end(std::string_view text, bool is_quoted)
{
    if (is_quoted && text.ends_with('"'))
        text.remove_suffix(1);
    return text;
}

} // namespace

bool BootArgument::is_of(std::string_view family) const
{
    return key.starts_with(family) && (key.size() == family.size() || key[family.size()] == '.');
}

void BootArgumentError::describe(Writer& out) const
{
    format(out, "{}={}: {}", key, value, problem);
}

BootArguments::Iterator& BootArguments::Iterator::operator++()
{
    std::size_t start = 0;
    while (start < rest_.size() && is_space(rest_[start]))
        ++start;
    rest_.remove_prefix(start);
    at_end_ = rest_.empty();
    if (at_end_)
        return *this;

    const bool is_quoted = rest_.front() == '"';
    if (is_quoted)
        rest_.remove_prefix(1);
    bool in_quotes = is_quoted;
    std::size_t equals = 0; // 0: none. As with Linux, an argument cannot begin with it.
    std::size_t size = 0;
    for (; size < rest_.size() && (in_quotes || !is_space(rest_[size])); ++size) {
        if (rest_[size] == '"')
            in_quotes = !in_quotes;
        else if (rest_[size] == '=' && equals == 0)
            equals = size;
    }
    const std::string_view whole = slice(rest_, 0, size);
    rest_.remove_prefix(size);

    if (equals == 0) {
        current_ = {unquoted_end(whole, is_quoted), std::nullopt};
        return *this;
    }
    std::string_view value = slice(whole, equals + 1);
    const bool is_value_quoted = value.starts_with('"');
    if (is_value_quoted)
        value.remove_prefix(1);
    current_ = {slice(whole, 0, equals), unquoted_end(value, is_quoted || is_value_quoted)};
    return *this;
}

std::optional<std::string_view> BootArguments::value(std::string_view key) const
{
    std::optional<std::string_view> last;
    for (const BootArgument& argument : *this) {
        if (argument.key == key)
            last = argument.value.value_or("");
    }
    return last;
}

bool BootArguments::flag(std::string_view key) const
{
    const auto given = value(key);
    return given && *given != "0" && *given != "n" && *given != "no" && *given != "off" && *given != "false";
}

std::expected<std::optional<u64>, BootArgumentError> BootArguments::number(std::string_view key) const
{
    const auto given = value(key);
    if (!given)
        return std::nullopt;
    const auto wrong = [&](std::string_view problem) {
        return std::unexpected(BootArgumentError{key, *given, problem});
    };
    std::string_view digits = *given;
    const bool is_hex = digits.starts_with("0x") || digits.starts_with("0X");
    if (is_hex)
        digits.remove_prefix(2);
    if (digits.empty())
        return wrong("is not a number");

    const u64 base = is_hex ? 16 : 10;
    u64 number = 0;
    for (char c : digits) {
        if (digit(c) >= base)
            return wrong("is not a number");
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit(c), &number))
            return wrong("does not fit 64 bits");
    }
    return number;
}

} // namespace percival
