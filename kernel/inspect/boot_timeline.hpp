// SPDX-License-Identifier: BSD-2-Clause
// What the boot CPU spent on each phase of boot: instructions where the CPU can count them, and time.
// Instructions are counted from the first ones at EL1 on (arch/cpu/performance_counter.hpp), so the first phase
// includes all that ran with the MMU off.
//
// Boot CPU only, until the self-tests start.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival {

// Ends the phase that ran until now, and names it. `phase` is a string literal.
void end_boot_phase(std::string_view phase);

// One line per phase on the console, and their sum.
void print_boot_timeline();

// Instructions up to the last end_boot_phase(); 0 where they cannot be counted.
u64 boot_instructions();

} // namespace percival
