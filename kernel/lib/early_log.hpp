// SPDX-License-Identifier: BSD-2-Clause
// What was printed before there was a console: whole lines, the oldest ones, up to a fixed size. The caller
// serializes.
//
// INV-early_log-1: the kept text is an unbroken beginning of all that was written: after the first line that
//                  did not fit none is kept, so the gap is in one place, at the end.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <string_view>

namespace percival {

template <std::size_t Capacity>
class EarlyLog {
public:
    // `line` without its line end.
    constexpr void keep(std::string_view line)
    {
        if (dropped_ != 0 || line.size() >= Capacity - used_) {
            ++dropped_;
            return;
        }
        for (char c : line)
            text_[used_++] = c;
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
