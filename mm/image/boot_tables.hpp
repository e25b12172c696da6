// SPDX-License-Identifier: BSD-2-Clause
// The translation tables in the image: the three roots that exist before the memory of the machine is known,
// and a pool for the tables below them. Boot code makes them with the MMU off; the memory code uses the pool
// until RAM can be allocated.
//
// They are mapped by single pages, both in the image and in the linear map. The roots among them become
// read-only once they are complete (mm/roots/seal.hpp), and a live block could not be split for that.
#pragma once

#include "mm/address_space/kernel_geometry.hpp"

#include <array>

namespace percival::boot {

struct alignas(mm::KernelGeometry::kPageSize.count()) TablePage {
    std::array<u64, mm::KernelGeometry::kPageSize.count() / sizeof(u64)> entries;
};

// Enough for the idmap (two paths: code and data) and for five separate paths under the master root: the
// image, the device tree (two, because it may straddle an upper entry), the device registers, and the first
// piece of the linear map. Also one more for each thing that straddles an entry.
inline constexpr std::size_t kPoolTables = 8 * (mm::IdmapGeometry::kLevels - 1) + mm::KernelGeometry::kLevels;

struct BootTables {
    TablePage master;   // shared regions are edited here; its local percpu window stays empty
    TablePage reserved; // maps nothing: in TTBR1 between two roots, and in TTBR0 while no idmap is needed
    TablePage idmap;
    std::array<TablePage, kPoolTables> pool;
    std::size_t pool_used;
};

extern BootTables boot_tables;

// Boot code with the MMU off passes this to the kernel.
struct Handoff {
    PhysAddr image;          // where the image was loaded
    PhysAddr device_tree;    // as the loader passed it
    Bytes device_tree_size;  // as its header says
    VirtAddr device_tree_at; // in the fixmap
    u64 entered_at_el2;      // 1 if the loader entered at EL2
    u64 level;               // CurrentEL at which the kernel runs; 0 until it is chosen
};

// Values of CurrentEL.
inline constexpr u64 kAtEl1 = 1 << 2;
inline constexpr u64 kAtEl2 = 2 << 2;

extern "C" Handoff handoff; // boot/start.S reads it, too

} // namespace percival::boot
