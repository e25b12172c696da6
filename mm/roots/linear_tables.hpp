// SPDX-License-Identifier: BSD-2-Clause
// The kernel's tables for changes of the linear map: as KernelTables, but a store to an entry of the master
// root goes to all roots. Where a root holds blocks of the linear map (4k-39, 64k-42), each root has its own
// copy of these, and all of them are sealed. Any context on a CPU that runs on its own root.
#pragma once

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/roots/root_entry.hpp"

namespace percival::mm {

class LinearTables {
public:
    using Break = LiveBreak;
    using Pte = arch::Pte;

    static Pte* table(PhysAddr address) { return kernel_tables().table(address); }
    static std::optional<PhysAddr> allocate() { return kernel_tables().allocate(); }
    static std::optional<PhysAddr> allocate_unfilled() { return kernel_tables().allocate_unfilled(); }
    static void free(PhysAddr page) { kernel_tables().free(page); }
    static void store(Pte* slot, Pte value)
    {
        if (is_in_root(slot)) [[unlikely]]
            write_root_entry(static_cast<u64>(slot - table(master_root())), value);
        else
            KernelTables::store(slot, value);
    }
    // The slots are of one table. In a root they may be a run of blocks.
    static void fill(Pte* first, u64 count, Pte value, Bytes step)
    {
        if (!is_in_root(first)) [[likely]]
            return KernelTables::fill(first, count, value, step);
        for (u64 n = 0; n < count; ++n)
            store(first + n, Pte{value.raw() + n * step.count()});
    }
    static void publish() { KernelTables::publish(); }
    [[noreturn]] static void forbidden(Pte old, Pte now, Level level)
    {
        KernelTables::forbidden(old, now, level);
    }
    static bool resizes_live() { return kernel_tables().resizes_live(); }

private:
    static bool is_in_root(const Pte* slot)
    {
        const Pte* root = table(master_root());
        return slot >= root && slot < root + KernelGeometry::entries(KernelGeometry::kRootLevel);
    }
};

inline constinit LinearTables the_linear_tables;

} // namespace percival::mm
