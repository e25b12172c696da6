// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of mm/kernel_map/kernel_tables.hpp for the percpu allocator, which only looks
// physical addresses up: nothing is mapped.
#pragma once

#include "arch/mmu/pte.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/page_table/walker.hpp"

namespace percival::mm {

struct MasterTable {
    static Walk<KernelGeometry, arch::Pte> walk(VirtAddr) { return {nullptr, {}, kLastLevel}; }
};

inline MasterTable master_table()
{
    return {};
}

} // namespace percival::mm
