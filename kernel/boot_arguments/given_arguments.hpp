// SPDX-License-Identifier: BSD-2-Clause
// Splits the boot arguments of /chosen at white space into `key` and `key=value`. Code that wants the value
// of an argument goes through kernel/boot_arguments/boot_arguments.hpp. Any context, also on the host.
//
// Quotes work as with Linux (lib/cmdline.c, next_arg()): white space inside double quotes separates nothing,
// and quotes around a value or around the whole argument are removed.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

namespace percival {

struct GivenArgument {
    std::string_view key{};
    std::optional<std::string_view> value{}; // nothing: the argument has no `=`

    // Returns the key up to its first dot, such as `selftest` of `selftest.list`.
    std::string_view family() const;
};

class GivenArguments {
public:
    // `text` outlives the object and every view taken from it.
    constexpr explicit GivenArguments(std::string_view text) : text_{text} {}

    class Iterator {
    public:
        using value_type = GivenArgument;
        using difference_type = std::ptrdiff_t;

        constexpr Iterator() = default;
        explicit Iterator(std::string_view text) : rest_{text} { ++*this; }

        const GivenArgument& operator*() const { return current_; }
        const GivenArgument* operator->() const { return &current_; }
        Iterator& operator++();
        friend bool operator==(const Iterator& iterator, std::default_sentinel_t) { return iterator.at_end_; }

    private:
        std::string_view rest_{};
        GivenArgument current_{};
        bool at_end_{true};
    };

    constexpr std::string_view text() const { return text_; }
    Iterator begin() const { return Iterator{text_}; }
    static constexpr std::default_sentinel_t end() { return {}; }

private:
    std::string_view text_;
};

// Returns the value of the last argument called `key`, an empty one if it has no `=`; nothing if there is no
// such argument. `text` outlives the result.
std::optional<std::string_view> last_given(std::string_view text, std::string_view key);

} // namespace percival
