// SPDX-License-Identifier: BSD-2-Clause
// For tests that depend on whether each CPU has a root of its own, and for those that leave it.
#pragma once

#include "arch/mmu/root_switch.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/window.hpp"

namespace percival {

// Puts the calling CPU on another root for the lifetime of the object, and back with the same CnP. Interrupts
// masked; nothing may use addresses in which the roots differ meanwhile.
class OnRoot : Immovable {
public:
    explicit OnRoot(PhysAddr root) : before_{arch::RootRegister::read()}
    {
        arch::install_root(mm::root_register(root));
    }
    ~OnRoot() { arch::install_root(before_); }

private:
    arch::RootRegister before_;
};

} // namespace percival

#define SKIP_WITH_COMMON_ROOT()                             \
    do {                                                    \
        if (percpu::roots_are_common())                     \
            SKIP("all CPUs are on one root: roots=common"); \
    } while (false)

#define SKIP_WITH_PRIVATE_ROOTS()                                    \
    do {                                                             \
        if (!percpu::roots_are_common())                             \
            SKIP("each CPU is on a root of its own: roots=private"); \
    } while (false)
