// SPDX-License-Identifier: BSD-2-Clause
// What a test may ask of the doubles, and what they tell.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "kernel_machine/support/machine.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace percival::testing {

// Forgets what the run before left.
void reset_doubles();
// Returns the memory of the stack that ends at `end`.
std::byte* memory_of_stack(VirtAddr end);

// How much of the percpu memory is allocated, and whether there is no more.
inline u64 used_percpu_memory = 0;
inline bool percpu_memory_is_out = false;

// How often each CPU has put back what it had in stock: percpu memory, objects and pages.
inline std::array<std::array<u32, 3>, kMaxMachineCpus> drained{};

// Takes the lines that the kernel has written to the console, sorted. A run fails if lines are left at its
// end.
std::vector<std::string> take_console();

// Is told of each switch of threads (kernel.cpp).
void note_switch(void* next, void* before);

} // namespace percival::testing
