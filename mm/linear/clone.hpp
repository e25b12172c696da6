// SPDX-License-Identifier: BSD-2-Clause
// A clone of the linear map as it is now, for code that writes or reads an image of memory (hibernation,
// kdump) while the kernel's own tables must not be relied on, or may be overwritten.
//
// The clone is a root. It has leaves, holes and invalid entries of its own for the linear map, each as in the
// kernel's tree at the time of the copy, and later changes there do not reach it. All else is that of the
// root of one CPU, and shared with it: so this CPU may install it (arch/mmu/root_switch.hpp).
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <array>
#include <expected>

namespace percival::mm {

class LinearClone : Immovable {
public:
    LinearClone() = default;
    // Frees the clone. It is installed nowhere, and the CPU that has used it has left it by install_root().
    ~LinearClone();

    // Makes the clone, once, with the root of `cpu` for all else. Threads, without a LinearTablesStay. A
    // change of the linear map that another CPU makes meanwhile is in the clone or not, entry by entry.
    // Error: NoMemory; then nothing is left of it.
    std::expected<void, MapError> make(CpuId cpu);

    // Returns its root, after make().
    PhysAddr root() const { return tables_[0]; }

private:
    // Its own copies of the CPU's private tables, from the root down; 0 where there is none.
    std::array<PhysAddr, KernelLayout::kPrivateTables> tables_{};
};

} // namespace percival::mm
