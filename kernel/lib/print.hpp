// SPDX-License-Identifier: BSD-2-Clause
// Printing a line on the console. A line is formatted first and emitted whole, so that lines of several CPUs
// never interleave. Any context after the image is mapped, interrupt handlers and panic included; lines
// printed before a console is found are kept and come out when it is (kernel/lib/console.hpp).
#pragma once

#include "kernel/lib/console.hpp"
#include "kernel/lib/format.hpp"

namespace percival {

// The longest line; what is beyond is cut.
inline constexpr std::size_t kLineLength = 240;

template <class... Args>
void print(FormatString<std::type_identity_t<Args>...> text, const Args&... args)
{
    std::array<char, kLineLength> buffer;
    Writer line{buffer};
    format(line, text, args...);
    console_write_line(line.text());
}

} // namespace percival
