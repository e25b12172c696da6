// SPDX-License-Identifier: BSD-2-Clause
// The hooks of the shadow: whoever maps or unmaps percpu memory under a root calls one with that root, and it
// does the same to the shadow of these addresses under the same root. Linux's RFC gives kmsan's hook of vmap
// a root for this reason.
//
// A page of percpu memory is mapped in the master and, unless windows are linked, in the root of its CPU. So
// is its shadow. Linked windows of the shadow consist of the descriptors of its slab (mm/roots/windows.cpp).
//
// Callers are serialized: the boot CPU, then the store of the percpu allocator by its mutex.
//
// INV-shadow_mapping-1: a page that is shown has shadow under every root that maps it, and so has every page
//     of an allocated object. A check of freed memory that meets the unmapping faults, in the check or in the
//     access: it is a wrong access anyway.
#pragma once

#include "mm/kernel_map/kernel_tables.hpp"

#include <expected>
#include <optional>

namespace percival::percpu::shadow {

// Maps `memory` as the shadow of `range`, which has just been mapped under `root`. Whole pages. Errors: those
// of PageTable::map().
std::expected<void, mm::MapError> note_mapped(PhysAddr root, VirtRange range, PhysAddr memory);

// Unmaps the shadow of the page at `page`, which has just been unmapped under `root`, and queues its flush.
// Returns the memory of the shadow, or nothing if none was mapped.
std::optional<PhysAddr> note_unmapped(PhysAddr root, VirtAddr page, mm::KernelTlbBatch& batch);

// Queues the flush of the shadow at the local address of a page. Linked windows need it: they have no
// descriptors of their own, but TLBs hold their addresses.
void flush_local(VirtAddr page, mm::KernelTlbBatch& batch);
// Returns whether the shadow of `page`, a global address, is mapped in the master.
bool is_mapped_for(VirtAddr page);

// The number of pages with which the hooks were called for a root.
struct HookCounts {
    u64 mapped;
    u64 unmapped;
};
// Returns the counts of `root`. Any context, but exact only while no caller is under way.
HookCounts hook_counts(PhysAddr root);

// Show the pages of `local`, a range of local addresses, to the checks, and hide them again.
void show(VirtRange local);
void hide(VirtRange local);
// Returns whether the page at the local address `local` is shown. Any context.
bool is_shown(VirtAddr local);

} // namespace percival::percpu::shadow
