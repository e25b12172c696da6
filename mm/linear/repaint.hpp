// SPDX-License-Identifier: BSD-2-Clause
// Repaints the linear map with pages, for a CPU that does not tolerate that leaves in use change their size:
// the linear map was painted with blocks because the boot CPU does, and another CPU may not. Afterwards the
// protection of every page can change alone, on every CPU.
//
// The tables are made first. Then all other CPUs leave their roots (kernel/wait/others_off_roots.hpp), this
// CPU links the tables and flushes all TLBs, and they go on. The image's alias stays as it is: its protection
// is final. Nothing that the kernel uses moves or disappears, so stacks, percpu data and tables stay
// reachable.
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// What a repaint cost.
struct Repaint {
    u64 blocks{0};     // that became tables
    u64 held_ticks{0}; // of the timer, from the last CPU's arrival until all are let go
    u64 invalidations{0};
};

// Repaints the linear map. The calling CPU tolerates that leaves in use change their size; no other needs to.
// Does nothing if it consists of pages already. In a thread, interrupts unmasked, no PreemptGuard held;
// nothing else changes the linear map meanwhile. Error: NoMemory; then the linear map is as it was. Panics if
// a CPU does not leave its root in time.
std::expected<Repaint, MapError> repaint_linear_map();

} // namespace percival::mm
