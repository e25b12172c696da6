// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/threads/context_switch.hpp.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

extern "C" void* switch_context(u64* save_stack, u64 next_stack, void* next, void* before);

u64 first_context(VirtAddr top);

} // namespace percival::arch
