// SPDX-License-Identifier: BSD-2-Clause
// What a test may ask of the doubles, and what they tell.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "kernel_machine/support/machine.hpp"

#include <array>
#include <cstddef>

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

// How a CPU that is started behaves: how long it takes to arrive, and whether the firmware refuses.
inline u64 counts_to_arrive = 0;
inline bool firmware_refuses = false;

// Is told of each switch of threads (kernel.cpp).
void note_switch(void* next, void* before);

} // namespace percival::testing
