// SPDX-License-Identifier: BSD-2-Clause
// Mapping memory at addresses of its own: pages from anywhere one behind the other, and device registers.
// Underneath, the same on any root and at any address, without flush.
//
// Any context on a CPU that runs on its own root; ioremap() on the boot CPU before that too. The regions' lower
// tables are shared by all roots, which are complete (mm/roots/roots.hpp): what is mapped is seen by every
// CPU at once, with no synchronization.
//
// A wrong vunmap() or iounmap() (not the start of such a mapping, or unmapped already) is reported on the
// console, counted (MemoryStatistics::bad_frees), and otherwise without effect.
#pragma once

#include "mm/address_space/mapping.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <expected>
#include <span>

namespace percival::mm {

// Maps `pages` one behind the other from `at` on, in the tree under `root`, with whatever block sizes and runs
// that allows. MapError::NoMemory, AlreadyMapped, Misaligned: nothing is mapped. The caller owns the addresses
// in that root.
std::expected<void, MapError> vmap_range(PhysAddr root, VirtAddr at, std::span<const PhysAddr> pages,
                                         Attributes attributes);

// Unmaps what was mapped so, in whole leaves. NotMapped, Misaligned: nothing is unmapped. Memory and addresses
// must not be used again before flush_vm_range().
std::expected<void, MapError> vunmap_range(PhysAddr root, VirtRange range);

// Rids all CPUs' TLBs of `range`, in whatever root it was mapped. No user in the kernel yet.
void flush_vm_range(VirtRange range);

// The pages' new address, the first one's at its start. The pages stay the caller's.
std::expected<void*, VmError> vmap(std::span<const PhysAddr> pages, Attributes attributes);
// When it returns, the pages may still be known to TLBs; the addresses are not used again before those are
// flushed. A caller that gives the pages away calls flush_freed() first (mm/vmalloc/vm_freed.hpp).
void vunmap(void* address);

// Device registers, or other memory that is not RAM, mapped as Device. Both ends may lie within pages.
std::expected<VirtAddr, VmError> ioremap(PhysRange registers);
void iounmap(VirtAddr registers);

} // namespace percival::mm
