// SPDX-License-Identifier: BSD-2-Clause
// Prints translation trees (boot argument `ptdump`). Boot CPU only. No CPU may change tables meanwhile.
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

// Finds mappings under `root` that the kernel must not have: writable and executable, or open to user mode.
// Prints each run of such mappings as an error and returns the number of runs.
u64 report_bad_mappings(PhysAddr root);

// Prints the boot CPU's root by region. For every online CPU it also prints what differs between its root and
// the master.
void dump_page_tables();

} // namespace percival
