// SPDX-License-Identifier: BSD-2-Clause
// The instructions of the kernel's assembly functions, for tests that carry them out on the simulated
// machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

// The text of the sources.
extern "C" const char boot_source[];
extern "C" const char trampoline_source[];
extern "C" const char context_switch_source[];

namespace percival::testing {

// Returns the instructions of a function up to its .size. They are without comments, and one space separates
// their words.
std::vector<std::string> instructions_of(std::string_view source, std::string_view function);

} // namespace percival::testing
