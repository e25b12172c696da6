// SPDX-License-Identifier: BSD-2-Clause
// The static variables of the program, and the copies of percpu variables, which lie at a fixed distance from
// them for each CPU.
#pragma once

#include "kernel/lib/types.hpp"

#include <cstdint>

namespace percival::testing {

inline constexpr u32 kCopyShift = 36;

// Returns the distance from a static variable to the copy of CPU number `cpu`.
constexpr u64 copy_distance(u32 cpu)
{
    return (u64{cpu} + 1) << kCopyShift;
}

// Returns whether the address is of a static variable, or of one of its copies.
bool is_static(std::uintptr_t address);

// Makes the copies of the first `cpus` CPUs, with the values that the variables have now.
void map_percpu_copies(u32 cpus);

} // namespace percival::testing
