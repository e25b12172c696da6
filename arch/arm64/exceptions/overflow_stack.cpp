// SPDX-License-Identifier: BSD-2-Clause
// The stack on which vectors.S handles stack overflows, one per CPU.
#include "arch/threads/stack_size.hpp"

namespace percival::arch {

// Comes first in the percpu section, so that bit
// kStackShift of its addresses is 0 (arch/threads/stack_size.hpp).
extern "C" {
[[gnu::section(".bss.percpu.page_aligned"),
  gnu::used]] alignas(16) constinit char overflow_stack[kOverflowStackSize.count()] = {};
}
static_assert(kOverflowStackSize <= kStackSize);

} // namespace percival::arch
