// SPDX-License-Identifier: BSD-2-Clause
// The steps of the instrumented program: its loads, stores and basic blocks. Shared by the machine and by
// what the program calls at each step.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::testing {

// Whether the code that executes is of a CPU, so that it may be stopped.
extern bool armed;
// After so many steps, the CPU stops for a moment.
extern u64 left_of_slice;

} // namespace percival::testing
