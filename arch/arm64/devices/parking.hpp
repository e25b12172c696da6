// SPDX-License-Identifier: BSD-2-Clause
// CPUs that no firmware takes back: one that goes offline waits in the idmap with its MMU and caches off, as
// it did in its spin table before it was ours, and looks at a mailbox.
//
// INV-parking-1: a CPU that is parked executes one page that is never written and touches nothing but its
//                mailbox, at its physical address: roots, stacks and percpu data may change meanwhile.
// INV-parking-2: of a mailbox's two halves, of a cache line each, one is written by the parked CPU and past
//                all caches, the other by those that are up, who clean it to the Point of Coherency.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch::parking {

// Where the calling CPU waits until it is released, to enter the kernel anew. Interrupts masked, nothing of
// the CPU's state is kept.
[[noreturn]] void park_this_cpu();

bool is_parked(CpuId cpu);

// A parked CPU goes on at the physical address `entry`, MMU off.
void release(CpuId cpu, PhysAddr entry);

} // namespace percival::arch::parking
