// SPDX-License-Identifier: BSD-2-Clause
// The kernel's tree as an environment for the page-table engine while the calling CPU alone walks it: all
// others are off their roots (arch/mmu/off_root.hpp). Leaves may then change their size live if this CPU
// allows it, whatever the others allow.
//
// Where a geometry has blocks of the linear map in the root (4k-39, 64k-42), each root has its own copy of
// them. A store to an entry of the master root goes to all roots, offline CPUs' included.
#pragma once

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/roots/root_entry.hpp"

namespace percival::mm {

class EveryRoot : public LiveTables<arch::Pte> {
public:
    using Pte = arch::Pte;

    static Pte* table(PhysAddr address) { return kernel_tables().table(address); }
    static std::optional<PhysAddr> allocate() { return kernel_tables().allocate(); }
    static void free(PhysAddr page) { kernel_tables().free(page); }
    static void store(Pte* slot, Pte value)
    {
        const Pte* root = table(master_root());
        if (slot >= root && slot < root + KernelGeometry::entries(KernelGeometry::kRootLevel)) [[unlikely]]
            write_root_entry(static_cast<u64>(slot - root), value);
        else
            LiveTables::store(slot, value);
    }
    static bool resizes_live() { return true; }
    [[noreturn]] static void forbidden(Pte old, Pte now, Level level)
    {
        KernelTables::forbidden(old, now, level);
    }
};

} // namespace percival::mm
