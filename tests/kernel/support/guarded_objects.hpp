// SPDX-License-Identifier: BSD-2-Clause
// For tests that depend on where small objects come from.
#pragma once

#include "kernel/selftest/selftest.hpp"
#include "mm/guarded_objects/guarded_objects.hpp"

// Skips a test of what the boot argument `objects.guard` switches on.
#define SKIP_WITHOUT_GUARDED_OBJECTS()                 \
    do {                                               \
        if (::percival::mm::guarded_slot_count() == 0) \
            SKIP("objects are not guarded");           \
    } while (false)

// Skips a test that counts on the slabs: an object there costs no page, and is the next one after its free.
#define SKIP_WITH_GUARDED_OBJECTS()                    \
    do {                                               \
        if (::percival::mm::guarded_slot_count() != 0) \
            SKIP("objects are guarded");               \
    } while (false)
