// SPDX-License-Identifier: BSD-2-Clause
// Takes CPUs off their roots for a while: they wait in the idmap, with TTBR1 on the reserved root and their
// TLBs empty, without a stack. So no walker of theirs reads the kernel's tables meanwhile, and another CPU
// may change these in ways that need every other CPU to use them no more.
//
// kernel/wait/others_off_roots.hpp brings the CPUs here, one hold at a time.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// Begins a hold: no CPU counts as off its root, and none that comes is let go. No CPU waits.
void begin_hold_off_roots();

// Takes the calling CPU, `self`, off its root until end_hold_off_roots(). Returns on the same root, whose
// mappings are then those of the moment at which the hold ended. Masks all exceptions meanwhile. The kernel's
// text, and this CPU's stack and percpu data, must be mapped as before by then.
void wait_off_root(CpuId self);

// Returns whether `cpu` has no translation by its root left, neither in its TLB nor by a walk.
bool is_off_root(CpuId cpu);

// Lets the waiting CPUs go. They see everything that the caller has stored before.
void end_hold_off_roots();

} // namespace percival::arch
