// SPDX-License-Identifier: BSD-2-Clause
// The version of mm/kernel_map/kernel_tables.hpp for CPUs that the explorer interleaves: the tables of the
// simulated machine.
#pragma once

#include "arch/mmu/pte.hpp"
#include "explored/support/explored_kernel.hpp"
#include "mm/kernel_map/live_break.hpp"
#include "mm/page_table/page_table.hpp"

namespace percival::mm {

class KernelTables : public LiveTables<arch::Pte> {
public:
    using Break = LiveBreak;

    static arch::Pte* table(PhysAddr address)
    {
        return reinterpret_cast<arch::Pte*>(testing::explored->machine.pointer(address));
    }
    static std::optional<PhysAddr> allocate() { return testing::explored->allocate_table(); }
    static std::optional<PhysAddr> allocate_unfilled() { return testing::explored->machine.allocate_page(); }
    static void free(PhysAddr page) { testing::explored->machine.free_page(page); }
    static bool resizes_live() { return testing::explored->says_it_resizes_live(); }
    [[noreturn]] static void forbidden(arch::Pte, arch::Pte, Level)
    {
        throw testing::ForbiddenChange{"a descriptor changed without break-before-make"};
    }
};

using KernelPageTable = PageTable<KernelGeometry, arch::Pte, KernelTables>;
using KernelTlbBatch = TlbBatch<KernelGeometry, KernelTables>;

inline constinit KernelTables the_kernel_tables;
inline KernelTables& kernel_tables()
{
    return the_kernel_tables;
}

inline PhysAddr master_root()
{
    return testing::explored->root;
}
inline KernelPageTable master_table()
{
    return {master_root(), kernel_tables()};
}

} // namespace percival::mm
