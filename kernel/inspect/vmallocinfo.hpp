// SPDX-License-Identifier: BSD-2-Clause
// Lists what the addresses of the regions are used for (boot argument `vmallocinfo`). Any context that may
// print. Other CPUs may allocate and free meanwhile: each line was true when it was made.
#pragma once

#include "mm/vmalloc/vm_region.hpp"

namespace percival {

// Prints a line for each area in use: range, size, mapped pages, kind and caller. Then prints the totals.
void list_areas(std::string_view region_name, mm::VmRegion& region);

// Calls list_areas() for all regions and prints how often freed areas were flushed.
void print_vmallocinfo();

} // namespace percival
