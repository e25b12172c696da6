// SPDX-License-Identifier: BSD-2-Clause
// Allocates the notes (VmArea) that the regions keep of their areas. Notes are small objects; until the page
// allocator starts, they come from a small array in the image. Any context, under the lock of a region.
#pragma once

#include "mm/vmalloc/vm_area.hpp"

namespace percival::mm {

// Returns a new note, or null if there is no memory.
VmArea* new_area_note();

// Frees a note; ignores null. A note from the array in the image is not used again.
void delete_area_note(VmArea* area);

} // namespace percival::mm
