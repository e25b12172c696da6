// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of mm/kernel_map/kernel_tables.hpp: no tables, but the kernel's own batches.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"
#include "mm/page_table/tlb_batch.hpp"

namespace percival::mm {

struct KernelTables {};
using KernelTlbBatch = TlbBatch<KernelGeometry, KernelTables>;

inline constinit KernelTables the_kernel_tables;
inline KernelTables& kernel_tables()
{
    return the_kernel_tables;
}

} // namespace percival::mm
