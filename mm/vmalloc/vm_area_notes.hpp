// SPDX-License-Identifier: BSD-2-Clause
// Memory for the regions' notes of their areas: small objects; before there are any, at boot, a few that lie
// in the image. Any context, under a region's lock.
#pragma once

#include "mm/vmalloc/vm_area.hpp"

namespace percival::mm {

// Null: no memory.
VmArea* new_area_note();
// Null is no note, and ignored.
void delete_area_note(VmArea* area);

} // namespace percival::mm
