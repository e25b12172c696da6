// SPDX-License-Identifier: BSD-2-Clause
// The translation tables that lie in the image: the three roots that exist before memory is known, and a pool
// for the tables below them. Made with the MMU off, used by the memory code until RAM can be allocated.
//
// They are mapped by single pages, in the image and in the linear map, because the roots among them become
// read-only once they are complete (mm/roots/seal.hpp), and a live block could not be split for that.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"

#include <array>

namespace percival::boot {

struct alignas(mm::KernelGeometry::kPageSize.count()) TablePage {
    std::array<u64, mm::KernelGeometry::kPageSize.count() / sizeof(u64)> entries;
};

// Enough for the idmap, and for five paths of their own under the master root: image, device tree (which may
// straddle an upper entry, so two), device registers, first piece of the linear map; one more each for what
// straddles.
inline constexpr std::size_t kPoolTables = 7 * (mm::IdmapGeometry::kLevels - 1) + mm::KernelGeometry::kLevels;

struct BootTables {
    TablePage master;   // shared regions are edited here; its local percpu window stays empty
    TablePage reserved; // maps nothing: TTBR1 between two roots, and TTBR0 while no idmap is needed
    TablePage idmap;
    std::array<TablePage, kPoolTables> pool;
    std::size_t pool_used;
};

extern BootTables boot_tables;

// What the MMU-off code hands to the kernel.
struct Handoff {
    PhysAddr image;          // where the image was loaded
    PhysAddr device_tree;    // as the loader passed it
    Bytes device_tree_size;  // 0: no valid tree there, nothing is mapped
    VirtAddr device_tree_at; // in the fixmap
    u64 entered_at_el2;      // 1 if the loader entered at EL2
};

extern Handoff handoff;

} // namespace percival::boot
