// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/boot_arguments/given_arguments.hpp"

#include "kernel/lib/text.hpp"

namespace percival {
namespace {

constexpr bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Returns `text` without its closing quote if there was an opening one. Of nested quotes only one is removed,
// as with Linux.
constexpr std::string_view unquoted_end(std::string_view text, bool is_quoted)
{
    if (is_quoted && text.ends_with('"'))
        text.remove_suffix(1);
    return text;
}

} // namespace

std::string_view GivenArgument::family() const
{
    return slice(key, 0, key.find('.'));
}

GivenArguments::Iterator& GivenArguments::Iterator::operator++()
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
    // Position of the `=`. 0 means that there is none: as with Linux, no argument begins with it.
    std::size_t equals = 0;
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

std::optional<std::string_view> last_given(std::string_view text, std::string_view key)
{
    std::optional<std::string_view> found;
    for (const GivenArgument& given : GivenArguments{text}) {
        if (given.key == key)
            found = given.value.value_or("");
    }
    return found;
}

} // namespace percival
