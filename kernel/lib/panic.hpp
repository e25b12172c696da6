// SPDX-License-Identifier: BSD-2-Clause
// Ends a run that cannot go on: reports what happened and where, and ends with Verdict::Panic.
//
// Any context once the image is mapped. Only the first CPU that panics reports; CPUs that panic later stop
// silently. A panic during the report of a panic prints one line and ends the run.
#pragma once

#include "kernel/lib/format.hpp"

#include <source_location>

namespace percival {

namespace arch {
struct Registers;
}

// A format string, checked like that of print(), together with its source location.
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

// Panics because the kernel is broken: an invariant does not hold.
template <class... Args>
[[noreturn]] void panic(PanicText<std::type_identity_t<Args>...> what, const Args&... args)
{
    const std::array<format_detail::Argument, sizeof...(Args)> erased{format_detail::argument(args)...};
    panic_detail::panic(what.where, what.text.text(), erased);
}

// Panics because of an exception that has no handler. The report contains the registers and backtrace of the
// interrupted code, and the exception's syndrome in words.
template <class... Args>
[[noreturn]] void panic_at(const arch::Registers& registers, FormatString<std::type_identity_t<Args>...> what,
                           const Args&... args)
{
    const std::array<format_detail::Argument, sizeof...(Args)> erased{format_detail::argument(args)...};
    panic_detail::panic_at(registers, what.text(), erased);
}

} // namespace percival
