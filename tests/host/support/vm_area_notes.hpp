// SPDX-License-Identifier: BSD-2-Clause
// The host's memory for notes (mm/vmalloc/vm_area_notes.hpp): counted, and used up when a test says so. One thread at
// a time, as under a region's lock.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::testing {

// Notes that were not deleted.
u64 notes_in_use();

// The note after the next `count` cannot be made, and neither can those that follow.
void fail_notes_after(u64 count);
void never_fail_notes();

// Deletes all notes: no region that has any is used after that.
void forget_notes();

} // namespace percival::testing
