// SPDX-License-Identifier: BSD-2-Clause
// Changes the root of the calling CPU, and asks its MMU what an address translates to.
#pragma once

#include "arch/mmu/root_register.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

// Puts this CPU on `root`, a value of mm::root_register() or sharing_entries() (INV-root_register-1), through
// the idmap trampoline. The root must be complete and published. Mappings that both roots share stay as they
// were. Addresses in the local percpu window mean something else afterwards, so none may be in use. Masks all
// exceptions meanwhile. For the boot CPU, as others start on their root, for a change of CnP, and for tests.
void install_root(RootRegister root);

// Stops this CPU for good with its MMU off. For one whose TLB the kernel's invalidations do not reach: it
// must not translate by tables that change. Needs no percpu data.
[[noreturn]] void stop_off_the_tables();

// Returns whether this CPU's TTBR1_EL1 points to `root`.
bool runs_on_root(RootRegister root);
// Returns whether CnP is set in this CPU's TTBR1_EL1.
bool root_is_common_not_private();

// The result of a translation; `address` means something only if `valid`.
struct Translation {
    bool valid;
    PhysAddr address;
};
// Translates `address` on this CPU as for a privileged read, by asking the hardware (AT S1E1R, Arm ARM C5.3).
// Masks interrupts meanwhile.
Translation translate(VirtAddr address);
// Returns whether a privileged write to `address` would translate without a fault (AT S1E1W).
bool translates_for_write(VirtAddr address);

} // namespace percival::arch
