// SPDX-License-Identifier: BSD-2-Clause
// Listing what the regions' addresses are used for: boot argument `vmallocinfo`. Any context that may print;
// each line is true when it is made, while others allocate and free.
#pragma once

#include "mm/vmalloc/vm_region.hpp"

namespace percival {

// A line for each area in use: range, size, what is mapped, kind, and who asked for it.
void list_areas(std::string_view region_name, mm::VmRegion& region);

// Of all regions, and what waits for a flush.
void print_vmallocinfo();

} // namespace percival
