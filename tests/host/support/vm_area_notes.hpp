// SPDX-License-Identifier: BSD-2-Clause
// Allocates notes (mm/vmalloc/vm_area.hpp) on the host: counts them, and fails when a test says so. One
// thread at a time, as under a region's lock.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::testing {

// Returns the number of notes that were made and not deleted.
u64 notes_in_use();

// Makes every note fail after the next `count`.
void fail_notes_after(u64 count);

// Undoes fail_notes_after().
void never_fail_notes();

// Deletes all notes, and undoes fail_notes_after(). The regions that have notes are not used any more.
void forget_notes();

} // namespace percival::testing
