// SPDX-License-Identifier: BSD-2-Clause
// Records what the boot CPU spends on each phase of boot: time, and instructions if the CPU can count them.
// Instructions are counted from the first ones at the kernel's level on (arch/cpu/performance_counter.hpp),
// so the first phase includes all code that runs with the MMU off.
//
// Boot CPU only, until the self-tests start.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival {

// Ends the current phase and gives it the name `phase`, which must be a string literal.
void end_boot_phase(std::string_view phase);

// Prints one line per phase, and the total.
void print_boot_timeline();

// Returns the instructions up to the last end_boot_phase(), or 0 if they cannot be counted.
u64 boot_instructions();

// Returns the instructions of one phase; 0 if they cannot be counted, or if there was no such phase.
u64 boot_instructions(std::string_view phase);

} // namespace percival
