// SPDX-License-Identifier: BSD-2-Clause
// Keeps the lines that are printed before there is a console: whole lines, the oldest ones, up to a fixed
// size. The caller serializes calls.
//
// Invariant: the kept text is the beginning of the whole output, without gaps. After the first line that did
// not fit, no further line is kept, so only the end is missing.
#pragma once

#include "kernel/lib/printable.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <string_view>

namespace percival {

template <std::size_t Capacity>
class EarlyLog {
public:
    // Keeps `line` as the console shows it (kernel/lib/printable.hpp), or counts it as dropped. `line` does
    // not contain its line end.
    constexpr void keep(std::string_view line)
    {
        std::size_t size = 0;
        for (char c : line)
            size += Printable{c}.size();
        if (dropped_ != 0 || size >= Capacity - used_) {
            ++dropped_;
            return;
        }
        for (char c : line) {
            const Printable shown{c};
            for (char part : shown.text())
                text_[used_++] = part;
        }
        text_[used_++] = '\n';
    }
    constexpr std::string_view text() const { return {text_.data(), used_}; }
    constexpr u64 dropped() const { return dropped_; }

private:
    std::array<char, Capacity> text_{};
    std::size_t used_{0};
    u64 dropped_{0};
};

} // namespace percival
