// SPDX-License-Identifier: BSD-2-Clause
#include "explored/set_memory/set_memory_bed.hpp"

#include "mm/roots/root_entry.hpp"
#include "mm/roots/roots.hpp"

#include <stdexcept>

namespace percival {

constinit mm::Leaves mm::linear_leaves = mm::Leaves::Largest;

VirtRange mm::linear_region()
{
    return testing::kLinearBlock;
}

// All roots are the master, and none holds blocks.
PhysRange mm::private_tables()
{
    return {};
}

void mm::write_root_entry(u64, arch::Pte)
{
    throw std::logic_error{"an entry of a root changes"};
}

} // namespace percival
