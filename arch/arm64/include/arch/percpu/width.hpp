// SPDX-License-Identifier: BSD-2-Clause
// Operand widths of this_cpu operations (1, 2, 4 and 8 bytes; pairs excluded), with the instruction suffix
// and the register form of each.
#pragma once

#include "kernel/lib/types.hpp"

#include <type_traits>

namespace percival::arch {

// The unsigned types that have an operand width of this_cpu operations.
template <class T>
concept PercpuWord =
    std::is_unsigned_v<T> && (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);

} // namespace percival::arch

// Expands to ASM(size suffix, register width, …) with the suffix and register width of T.
#define PERCIVAL_FOR_WIDTH(T, ASM, ...)           \
    if constexpr (sizeof(T) == 1)                 \
        ASM("b", "w" __VA_OPT__(, ) __VA_ARGS__); \
    else if constexpr (sizeof(T) == 2)            \
        ASM("h", "w" __VA_OPT__(, ) __VA_ARGS__); \
    else if constexpr (sizeof(T) == 4)            \
        ASM("", "w" __VA_OPT__(, ) __VA_ARGS__);  \
    else                                          \
        ASM("", "x" __VA_OPT__(, ) __VA_ARGS__)
