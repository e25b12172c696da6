// SPDX-License-Identifier: BSD-2-Clause
// The boot arguments of /chosen: `key` or `key=value`, separated by white space.
// Any context, on the host too.
//
// Quoting is Linux's (lib/cmdline.c, next_arg()): white space inside double quotes separates nothing, and
// quotes around a value or around the whole argument are taken away. Of an argument given twice the last one
// counts.
#pragma once

#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <cstddef>
#include <expected>
#include <iterator>
#include <optional>
#include <string_view>

namespace percival {

struct BootArgument {
    std::string_view key{};
    std::optional<std::string_view> value{}; // absent: no `=`

    // Whether this is `family` itself or `family.something`.
    bool is_of(std::string_view family) const;
};

// A number that is none. Describes itself as `selftest.timeout=soon: is not a number`.
struct BootArgumentError {
    std::string_view key{};
    std::string_view value{};
    std::string_view problem{};
    void describe(Writer& out) const;
};

class BootArguments {
public:
    // `text` outlives this and every view taken from it.
    constexpr explicit BootArguments(std::string_view text) : text_{text} {}

    class Iterator {
    public:
        using value_type = BootArgument;
        using difference_type = std::ptrdiff_t;

        constexpr Iterator() = default;
        explicit Iterator(std::string_view text) : rest_{text} { ++*this; }

        const BootArgument& operator*() const { return current_; }
        const BootArgument* operator->() const { return &current_; }
        Iterator& operator++();
        friend bool operator==(const Iterator& iterator, std::default_sentinel_t) { return iterator.at_end_; }

    private:
        std::string_view rest_{};
        BootArgument current_{};
        bool at_end_{true};
    };

    Iterator begin() const { return Iterator{text_}; }
    static constexpr std::default_sentinel_t end() { return {}; }

    // Whether the argument is there, unless its value says 0, n, no, off or false.
    bool flag(std::string_view key) const;
    // Absent: not given. Empty: given without a value.
    std::optional<std::string_view> value(std::string_view key) const;
    // Decimal, or hexadecimal with 0x. Absent: not given.
    std::expected<std::optional<u64>, BootArgumentError> number(std::string_view key) const;

private:
    std::string_view text_;
};

} // namespace percival
