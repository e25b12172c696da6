// SPDX-License-Identifier: BSD-2-Clause
// The end of a run that cannot go on: says what happened and where, and ends with Verdict::Panic.
//
// Any context once the image is mapped. The CPU that panics first reports alone: others that panic later stop
// silently. A panic while a panic is reported gets one line and ends the run.
#pragma once

#include "kernel/lib/format.hpp"

#include <source_location>

namespace percival {

namespace arch {
struct Registers;
}

// A format string, checked like print()'s, together with the place it stands at.
template <class... Args>
struct PanicText {
    FormatString<Args...> text;
    std::source_location where;

    consteval PanicText(const char* format, // NOLINT(google-explicit-constructor)
                        std::source_location caller = std::source_location::current())
        : text{format}, where{caller}
    {
    }
};

namespace panic_detail {

using Arguments = std::span<const format_detail::Argument>;

[[noreturn, gnu::cold]] void panic(std::source_location where, std::string_view text, Arguments arguments);
[[noreturn, gnu::cold]] void panic_at(const arch::Registers& registers, std::string_view text,
                                      Arguments arguments);

} // namespace panic_detail

// The kernel found itself broken: an invariant does not hold.
template <class... Args>
[[noreturn]] void panic(PanicText<std::type_identity_t<Args>...> what, const Args&... args)
{
    const std::array<format_detail::Argument, sizeof...(Args)> erased{format_detail::argument(args)...};
    panic_detail::panic(what.where, what.text.text(), erased);
}

// The processor took an exception nobody handles. The report has the interrupted code's registers and
// backtrace, and the exception's syndrome in words.
template <class... Args>
[[noreturn]] void panic_at(const arch::Registers& registers, FormatString<std::type_identity_t<Args>...> what,
                           const Args&... args)
{
    const std::array<format_detail::Argument, sizeof...(Args)> erased{format_detail::argument(args)...};
    panic_detail::panic_at(registers, what.text(), erased);
}

} // namespace percival
