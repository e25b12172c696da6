// SPDX-License-Identifier: BSD-2-Clause
// The linear map: all RAM at a constant distance from its physical address, read-write and never executable.
// This is the place where a physical address becomes a pointer (linear_pointer()).
//
// Invariants:
// * What is read-only in the image is read-only here too: text, read-only data, data of init once init is
//   over (mm/kernel_map/ro_after_init.hpp), and all root tables once they are sealed (mm/roots/seal.hpp). So
//   no alias defeats W^X or changes a root.
// * Memory that the firmware reserved with no-map has no mapping, because speculation must not reach it. The
//   image is mapped all the same.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/sync/spinlock.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// The start of the linear map, and the physical address that is mapped there. map_linear() sets them.
struct LinearMap {
    VirtAddr base;
    PhysAddr start;
};
extern LinearMap linear_map;

// How large the leaves of the linear map may be. map_linear() sets it, and a repaint makes it pages
// (mm/linear/repaint.hpp), so it is not part of what is read-only after init.
extern Leaves linear_leaves;

inline VirtAddr linear_address(PhysAddr address)
{
    return linear_map.base + (address - linear_map.start);
}

// Returns a pointer to a physical address of RAM. Valid once map_linear() is done.
template <class T>
T* linear_pointer(PhysAddr address)
{
    // SAFETY: map_linear() maps all RAM at its linear address, and the caller knows what is there.
    return reinterpret_cast<T*>(linear_address(address).raw());
}

// Returns the physical address behind an address in the linear map.
inline PhysAddr linear_to_physical(VirtAddr address)
{
    return linear_map.start + (address - linear_map.base);
}

// Returns the addresses that belong to the linear map, mapped or not.
VirtRange linear_region();

// Guards all changes of the linear map once the other CPUs run. A block or a contiguous run there may belong
// to several owners. Taken with interrupts masked, and before any lock of the page allocator.
inline constinit SpinLock linear_map_lock;

// Returns the physical addresses that the linear map can cover, for the banks of `machine`.
PhysRange linear_window(const MachineDescription& machine);

// Returns the physical addresses that the linear map can cover, once map_linear() is done. Any context.
PhysRange reach_of_linear_map();

enum class LinearMapError : u8 {
    NoMemory, // no free memory for tables
};

// Maps all banks, which are in linear_window(), with leaves as large as `leaves` allows. Leaves out `no_map`
// reservations, except the image, which is in the banks. Maps `kept_apart` (the private roots, if there are
// any) by pages in any case, so that its protection can change later. Every table is made once, in memory
// that is mapped already, so there is no temporary mapping and nothing to invalidate. early_memory() must be
// filled. Boot CPU, once.
std::expected<void, LinearMapError> map_linear(const MachineDescription& machine, PhysRange kept_apart,
                                               Leaves leaves);

} // namespace percival::mm
