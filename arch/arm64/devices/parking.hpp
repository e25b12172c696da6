// SPDX-License-Identifier: BSD-2-Clause
// Parking, for CPUs that the firmware does not take back. Such a CPU goes offline by waiting in the idmap
// with its MMU and caches off, as it waited in its spin table before the kernel started it, and polls a
// mailbox.
//
// INV-parking-1: a parked CPU executes one page that is never written, and accesses only its mailbox, at its
//                physical address. So roots, stacks and percpu data may change meanwhile.
// INV-parking-2: a mailbox has two halves, each of at least a whole Cache Writeback Granule (CTR_EL0.CWG).
//                The parked CPU writes is_parked once, bypassing all caches. A CPU that is up writes entry,
//                and before that clears is_parked. It cleans and invalidates a half after it has written
//                it, and before it reads it.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch::parking {

// Returns whether this machine's caches write back no more than a mailbox's half at once.
bool is_possible();

// Parks the calling CPU until release(), after which it enters the kernel anew. Keeps nothing of the CPU's
// state. All exceptions masked.
[[noreturn]] void park_this_cpu();

// Returns whether `cpu` is parked and accesses no memory but its mailbox.
bool is_parked(CpuId cpu);

// Makes a parked CPU continue at the physical address `entry`, MMU off.
void release(CpuId cpu, PhysAddr entry);

} // namespace percival::arch::parking
