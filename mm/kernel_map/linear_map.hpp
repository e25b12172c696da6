// SPDX-License-Identifier: BSD-2-Clause
// The linear map: all RAM at a constant distance from its physical address, read-write and never executable.
// This is the one place where a physical address becomes a pointer.
//
// INV-linear_map-1: the image's text and read-only data, and all root tables once they are sealed
//                   (mm/roots/seal.hpp), are read-only here too, so that no alias defeats W^X or changes a
//                   root.
// INV-linear_map-2: memory the firmware reserved with no-map has no mapping: speculation must not reach it.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Where the linear map begins, the physical address that is mapped there, and how large its leaves may be.
// Set by map_linear().
struct LinearMap {
    VirtAddr base;
    PhysAddr start;
    Leaves leaves;
};
extern LinearMap linear_map;

inline VirtAddr linear_address(PhysAddr address)
{
    return linear_map.base + (address - linear_map.start);
}

// The bytes at a physical address of RAM. Valid once map_linear() is done.
template <class T>
T* linear_pointer(PhysAddr address)
{
    return reinterpret_cast<T*>(linear_address(address).raw());
}

// The physical address behind an address in the linear map.
inline PhysAddr linear_to_physical(VirtAddr address)
{
    return linear_map.start + (address - linear_map.base);
}

enum class LinearMapError : u8 {
    NoMemory,   // nothing free for tables
    OutOfReach, // RAM spans more than the linear map covers
};

// Maps all banks but `no_map` reservations, with leaves as large as `leaves` allows; `kept_apart` (the
// private roots) by pages in any case, so that its protection can be changed later. Every table is made once,
// in memory that is mapped already: there is no temporary mapping, and nothing to invalidate. Needs
// early_memory() filled. Boot CPU, once.
std::expected<void, LinearMapError> map_linear(const MachineDescription& machine, PhysRange kept_apart,
                                               Leaves leaves);

} // namespace percival::mm
