// SPDX-License-Identifier: BSD-2-Clause
// Maps existing memory at addresses of the vmalloc region: vmap() maps pages from anywhere one behind the
// other, and ioremap() maps device registers. Underneath, vmap_range() and vunmap_range() work on any
// root and at any address, and do not flush.
//
// Any context on a CPU that runs on its own root; ioremap() also on the boot CPU before that. All roots share
// the lower tables of the regions and are complete (mm/roots/roots.hpp). So every CPU sees a new mapping at
// once, with no synchronization.
//
// A wrong vunmap() or iounmap() (not the start of such a mapping, or unmapped already) is reported on the
// console, counted (MemoryStatistics::bad_frees), and otherwise without effect.
#pragma once

#include "mm/address_space/mapping.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <expected>
#include <span>

namespace percival::mm {

// Maps `pages` one behind the other from `at` on, in the tree under `root`, with the largest blocks and runs
// that the addresses allow. The caller owns these addresses in that root. Errors, after which nothing is
// mapped: NoMemory, AlreadyMapped, Misaligned.
std::expected<void, MapError> vmap_range(PhysAddr root, VirtAddr at, std::span<const PhysAddr> pages,
                                         Attributes attributes);

// Unmaps `range`, which must be mapped in whole leaves. Until the caller flushes it with flush_vm_range(),
// neither the memory nor the addresses may be reused. Errors, after which nothing is unmapped: NotMapped,
// Misaligned.
std::expected<void, MapError> vunmap_range(PhysAddr root, VirtRange range);

// Invalidates the TLB entries of `range` on all CPUs, whatever root it was mapped in. The kernel has no
// caller yet.
void flush_vm_range(VirtRange range);

// Maps `pages` one behind the other and returns the address of the first. The pages stay the caller's.
// Errors: BadSize if there are no pages, BadAddress, NoAddresses, NoMemory.
std::expected<void*, VmError> vmap(std::span<const PhysAddr> pages, Attributes attributes);

// Unmaps pages that vmap() has mapped; ignores null. TLBs may hold the old entries even after it returns, and
// the addresses are not reused before a flush. A caller that gives the pages to somebody else calls
// flush_freed() first (mm/vmalloc/vm_freed.hpp).
void vunmap(void* address);

// Maps device registers, or other memory that is not RAM, as Device memory. Both ends may lie within pages.
// Returns the address of the first register. Errors: BadSize, BadAddress, NoAddresses, NoMemory.
std::expected<VirtAddr, VmError> ioremap(PhysRange registers);

// Unmaps registers; `registers` is what ioremap() returned.
void iounmap(VirtAddr registers);

} // namespace percival::mm
