// SPDX-License-Identifier: BSD-2-Clause
// What a this_cpu operation can be as wide as, but for pairs, and how an instruction says so.
#pragma once

#include "kernel/lib/types.hpp"

#include <type_traits>

namespace percival::arch {

template <class T>
concept PercpuWord =
    std::is_unsigned_v<T> && (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);

} // namespace percival::arch

// Calls ASM(size suffix, register width, …) for the width of T.
#define PERCIVAL_FOR_WIDTH(T, ASM, ...)           \
    if constexpr (sizeof(T) == 1)                 \
        ASM("b", "w" __VA_OPT__(, ) __VA_ARGS__); \
    else if constexpr (sizeof(T) == 2)            \
        ASM("h", "w" __VA_OPT__(, ) __VA_ARGS__); \
    else if constexpr (sizeof(T) == 4)            \
        ASM("", "w" __VA_OPT__(, ) __VA_ARGS__);  \
    else                                          \
        ASM("", "x" __VA_OPT__(, ) __VA_ARGS__)
