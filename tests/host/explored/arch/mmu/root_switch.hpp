// SPDX-License-Identifier: BSD-2-Clause
// The version of arch/mmu/root_switch.hpp for CPUs that the explorer interleaves. A translation that may fail
// does fail.
#pragma once

#include "explored/support/explored_kernel.hpp"

namespace percival::arch {

struct Translation {
    bool valid;
};

inline Translation translate(VirtAddr address)
{
    testing::explored->explorer.access();
    return {testing::explored->machine.translates(address)};
}

inline bool translates_for_write(VirtAddr address)
{
    return translate(address).valid;
}

} // namespace percival::arch
