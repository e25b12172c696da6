// SPDX-License-Identifier: BSD-2-Clause
// Changing the root table of the calling CPU.
#pragma once

#include "arch/mmu/root_register.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

// Puts this CPU on `root` (mm::root_register()) through the idmap trampoline, with CnP clear. What the two
// roots share stays as it was; addresses in the local percpu window mean something else afterwards, so none
// may be in use. The root must be complete and published. Boot CPU (secondaries enter the kernel on their own
// root), and tests; masks interrupts.
void install_root(RootRegister root);

// Whether this CPU's TTBR1_EL1 points to `root`, and whether its CnP bit is set.
bool runs_on_root(RootRegister root);
bool root_is_common_not_private();

// What the page tables of this CPU make of `address` for a privileged read, asked of the hardware (AT S1E1R,
// Arm ARM C5.3).
struct Translation {
    bool valid;
    PhysAddr address;
};
Translation translate(VirtAddr address);
// Whether a privileged write would go through (AT S1E1W).
bool translates_for_write(VirtAddr address);

} // namespace percival::arch
