// SPDX-License-Identifier: BSD-2-Clause
// The static variables of the kernel, and the copies of its percpu variables.
#pragma once

#include "kernel/lib/types.hpp"

#include <cstddef>

// The percpu variables, at their local addresses (support/sections.ld).
extern "C" {
extern std::byte percpu_section_begin[];
extern std::byte percpu_section_end[];
}

namespace percival::testing {

// Gives all static variables of the program the values that they had when this was first called, and each
// percpu variable's copies those of the variable.
void reset_static_state(u32 cpus);

} // namespace percival::testing
