// SPDX-License-Identifier: BSD-2-Clause
// Chooses at run time which mutant of a program is on. Instrumented copies of sources include it
// (tests/mutants/schema.py); no source of the tree does.
//
// In the kernel the number is a word of the image. In a host program it comes from the environment:
// PERCIVAL_MUTANT. The places that were reached are marked.
#pragma once

#if __STDC_HOSTED__
#include <cstdlib>
#endif

namespace percival::mutation {

inline constexpr unsigned kMaxMutants = 16384;
inline constexpr unsigned kPageSize = 4096;

// tests/mutants/marks.py knows the layout.
struct State {
    char magic[16];
    volatile unsigned chosen; // 0: none
    // On pages of its own, so that a host program can share it with the processes that it forks.
    alignas(kPageSize) volatile unsigned char reached[kMaxMutants];
};

#ifdef PERCIVAL_WITHOUT_MUTANTS
constexpr bool is(unsigned)
{
    return false;
}
#else
// Is in .data, so that it is part of the image, and clearing .bss does not clear the marks.
[[gnu::used, gnu::section(".data")]] inline constinit State state{"percival-mutant", 0, {}};

// The explorer of weakly ordered memory must not see these accesses. Nor must the machine that stops the
// kernel before each access: a CPU that stores something does not wait. There it is not inlined.
#ifdef PERCIVAL_MUTANTS_OUT_OF_LINE
[[gnu::noinline, clang::no_sanitize("coverage")]]
#endif
[[clang::disable_sanitizer_instrumentation]] inline bool
is(unsigned number)
{
    state.reached[number] = 1;
    return state.chosen == number;
}
#endif

// The same in a constexpr function. What the compiler evaluates has no mutants.
constexpr bool is_at_run_time(unsigned number)
{
    if consteval {
        return false;
    } else {
        return is(number);
    }
}

// A number alone in braces, as in `u32{1}`. The compiler takes a number there that is not constant only if it
// comes from a class.
struct Number {
    long long value;

    template <class T>
        requires(__is_integral(T))
    constexpr operator T() const // NOLINT(google-explicit-constructor): as a number does
    {
        return static_cast<T>(value);
    }
};

#if __STDC_HOSTED__
struct Session {
    Session()
    {
        const char* const number = std::getenv("PERCIVAL_MUTANT"); // NOLINT(concurrency-mt-unsafe)
        if (number != nullptr)
            state.chosen = static_cast<unsigned>(std::strtoul(number, nullptr, 10));
    }
};
inline const Session session;
#endif

} // namespace percival::mutation
