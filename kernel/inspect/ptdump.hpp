// SPDX-License-Identifier: BSD-2-Clause
// Printing translation trees: boot argument `ptdump`. Boot CPU; nobody may change tables meanwhile.
#pragma once

#include "arch/mmu/pte.hpp"
#include "kernel/lib/types.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/page_table/dump.hpp"

namespace percival {

struct TableAt {
    const arch::Pte* operator()(PhysAddr table) const { return mm::kernel_tables().table(table); }
};
using KernelTableDump = mm::PageTableDump<mm::KernelGeometry, arch::Pte, TableAt>;

// The mappings under `root` that no kernel mapping may be: writable and executable, or open to user mode.
// Each is printed as an error, in runs.
u64 report_bad_mappings(PhysAddr root);

// The boot CPU's root by region, and what distinguishes every other CPU's root, and the boot CPU's, from the
// master.
void dump_page_tables();

} // namespace percival
