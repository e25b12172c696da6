// SPDX-License-Identifier: BSD-2-Clause
// Writes entries of sealed tables, through a writable window that is open for one store only (INV-roots-2).
#pragma once

#include "arch/mmu/pte.hpp"
#include "kernel/lib/address.hpp"

namespace percival::mm {

// Writes entry `index` of a sealed table, in one single-copy atomic store. The caller publishes. Any context
// on a CPU that runs on its own root.
void write_sealed_entry(PhysAddr table, u64 index, arch::Pte value);

// Writes entry `index` of the master root and of every possible CPU's root, offline CPUs included. The entry
// is one that all roots share. The caller serializes changes of the entry and publishes. Any context on a CPU
// that runs on its own root, after setup_percpu_areas() (mm/roots/roots.hpp).
void write_root_entry(u64 index, arch::Pte value);

} // namespace percival::mm
