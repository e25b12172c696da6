// SPDX-License-Identifier: BSD-2-Clause
// Prints translation trees (boot argument `ptdump`). Boot CPU only. No CPU may change tables meanwhile.
#pragma once

#include "arch/mmu/pte.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/page_table/dump.hpp"
#include "mm/roots/mapping_audit.hpp"

namespace percival {

struct TableAt {
    const arch::Pte* operator()(PhysAddr table) const { return mm::kernel_tables().table(table); }
};
using KernelTableDump = mm::PageTableDump<mm::KernelGeometry, arch::Pte, TableAt>;

// Prints the flaws that an audit has found as errors, each with its address, root and rights.
void print_flaws(const mm::MappingAudit& audit);

// Prints the boot CPU's root by region. For every online CPU it also prints what differs between its root and
// the master. At the end it prints what the audit of all mappings finds.
void dump_page_tables();

} // namespace percival
