// SPDX-License-Identifier: BSD-2-Clause
// The kernel's tables as an environment for the page-table engine, for the part of the linear map that shows
// added memory. It differs from KernelTables in one point: a table that was unlinked is freed when every
// reader has ended that may be walking it in software (INV-hot_memory-2). Threads only.
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "kernel/sync/rcu.hpp"
#include "mm/kernel_map/kernel_tables.hpp"

namespace percival::mm {

class RegionTables : public LiveTables<arch::Pte>, Immovable {
public:
    using Break = LiveBreak;

    ~RegionTables() { free_unlinked(); }

    static arch::Pte* table(PhysAddr address) { return kernel_tables().table(address); }
    static std::optional<PhysAddr> allocate() { return kernel_tables().allocate(); }
    // Takes a table that no hardware walker can reach.
    void free(PhysAddr table)
    {
        if (unlinked_.size() == kMax)
            free_unlinked();
        static_cast<void>(unlinked_.push(table)); // never fails: a full list was emptied above
    }
    [[noreturn]] static void forbidden(arch::Pte old, arch::Pte now, Level level)
    {
        KernelTables::forbidden(old, now, level);
    }
    static bool resizes_live() { return kernel_tables().resizes_live(); }

private:
    static constexpr std::size_t kMax = 64;

    void free_unlinked()
    {
        if (unlinked_.empty())
            return;
        rcu::synchronize();
        for (const PhysAddr table : unlinked_)
            kernel_tables().free(table);
        unlinked_.clear();
    }

    BoundedVector<PhysAddr, kMax> unlinked_{};
};

} // namespace percival::mm
