// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of mm/kernel_map/kernel_tables.hpp: no tables, but the kernel's own batches.
// Scenarios say what happens when something is mapped.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"
#include "mm/page_table/tlb_batch.hpp"

#include <expected>

namespace percival::mm {

struct KernelTables {};
using KernelTlbBatch = TlbBatch<KernelGeometry, KernelTables>;

inline constinit KernelTables the_kernel_tables;
inline KernelTables& kernel_tables()
{
    return the_kernel_tables;
}

inline void (*on_map)(VirtRange) = nullptr;

struct MasterTable {
    // Unlike the kernel's, this does not publish: callers are judged by what they do themselves.
    static std::expected<void, MapError> map(VirtRange range, PhysAddr, Attributes, Leaves = Leaves::Largest)
    {
        on_map(range);
        return {};
    }
    static std::expected<void, MapError> ensure_tables(VirtRange, Level) { return {}; }
};

inline MasterTable master_table()
{
    return {};
}

} // namespace percival::mm
