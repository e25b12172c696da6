// SPDX-License-Identifier: BSD-2-Clause
// Prints a line on the console. The line is formatted first and written as a whole, so that lines of several
// CPUs never interleave. Any context after the image is mapped, including interrupt handlers and panics.
// Lines printed before there is a console are kept and come out when it is attached (kernel/lib/console.hpp).
#pragma once

#include "kernel/lib/console.hpp"
#include "kernel/lib/format.hpp"

namespace percival {

// The longest line; longer ones are cut off.
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
