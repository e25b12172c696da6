// SPDX-License-Identifier: BSD-2-Clause
// Where in the sources the instructions of this program come from.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace percival::testing {

// Returns for each address its places as "file:line:column", of the innermost inlined function first. Runs
// llvm-symbolizer once for all: each time it reads the whole debug information. Aborts if it cannot run.
std::vector<std::vector<std::string>> symbolize(std::span<const void* const> addresses);

} // namespace percival::testing
