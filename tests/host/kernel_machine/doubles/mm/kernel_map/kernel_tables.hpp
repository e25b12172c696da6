// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of mm/kernel_map/kernel_tables.hpp: there are no tables.
#pragma once

#include "arch/mmu/root_register.hpp"
#include "kernel/lib/address.hpp"

namespace percival::mm {

inline arch::RootRegister root_register(PhysAddr root)
{
    return arch::root_register(root);
}

} // namespace percival::mm
